#include "base/no_json.h"

#include <algorithm>

namespace quantize {

std::string no_json(std::string_view text, std::size_t byte) {
  const auto before = text.substr(0, byte);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return "no JSON (line " + std::to_string(line) + ", byte " + std::to_string(byte) + ")";
}

}  // namespace quantize
