#include "base/suggest.h"

#include <algorithm>
#include <vector>

namespace quantize {
namespace {

// Damerau and Levenshtein's distance, restricted: no letter is edited twice.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) table[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) table[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(const std::string& word, std::span<const std::string> known) {
  constexpr std::size_t longest = 64;  // beyond it nobody mistypes a word, and the table would grow with the input
  if (word.size() > longest) return "";
  std::size_t least = word.size() < 2 ? 1 : std::max<std::size_t>(word.size() / 3, 1) + 1;
  std::string nearest;
  for (const auto& candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits >= least) continue;
    least = edits;
    nearest = candidate;
  }
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

}  // namespace quantize
