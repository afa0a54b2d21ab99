#include "encode/convergence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "encode/encodings.h"

namespace quantize {
namespace {

constexpr double tolerated_move = 0.05;
constexpr std::size_t most_named = 10;

std::string text_of(const Range& range) {
  char text[64];
  std::snprintf(text, sizeof text, "[%.4g, %.4g]", range.low, range.high);
  return text;
}

}  // namespace

std::vector<UnsettledRange> unsettled_ranges(const Placement& placement, const Calibration& calibration, const Scheme& scheme) {
  std::vector<UnsettledRange> unsettled;
  if (calibration.before_last_tenth.empty()) return unsettled;
  for (const auto& group : placement.groups) {
    if (group.range_is_exact) continue;
    const Range before = group_range(group, calibration.before_last_tenth, scheme), after = group_range(group, calibration.all, scheme);
    const double width = after.high - after.low;
    const double moved = std::max(std::fabs(after.low - before.low), std::fabs(after.high - before.high));
    if (moved > tolerated_move * width) unsettled.push_back({group.name(), before, after, width > 0 ? moved / width : 1});
  }
  std::stable_sort(unsettled.begin(), unsettled.end(), [](const auto& a, const auto& b) { return a.moved > b.moved; });
  return unsettled;
}

void warn_unsettled(const Placement& placement, const Calibration& calibration, const Scheme& scheme, Context& context) {
  const auto unsettled = unsettled_ranges(placement, calibration, scheme);
  if (unsettled.empty()) return;
  std::string text = "calibration has not converged: its last tenth still moves the ranges of " + std::to_string(unsettled.size()) +
                     " of " + std::to_string(placement.groups.size()) + " tensors by more than 5 % (more images would help): ";
  for (std::size_t i = 0; i < std::min(unsettled.size(), most_named); ++i) {
    const auto& range = unsettled[i];
    text += (i == 0 ? "'" : ", '") + range.tensor + "' " + text_of(range.before) + " to " + text_of(range.after);
  }
  if (unsettled.size() > most_named) text += " and " + std::to_string(unsettled.size() - most_named) + " more";
  context.warn(text);
}

}  // namespace quantize
