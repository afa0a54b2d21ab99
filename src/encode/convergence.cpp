#include "encode/convergence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

#include "encode/encodings.h"

namespace quantize {
namespace {

constexpr double tolerated_move = 0.05;
constexpr std::size_t named_at_once = 3;

std::string text_of(const Range& range) {
  char text[64];
  std::snprintf(text, sizeof text, "[%.4g, %.4g]", range.low, range.high);
  return text;
}

std::string list_of(std::span<const UnsettledRange> ranges) {
  std::string text;
  for (const auto& range : ranges)
    text += (text.empty() ? "'" : ", '") + range.tensor + "' " + text_of(range.before) + " to " + text_of(range.after);
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

std::string warn_unsettled(const Placement& placement, const Calibration& calibration, const Scheme& scheme, Context& context) {
  const auto unsettled = unsettled_ranges(placement, calibration, scheme);
  if (unsettled.empty()) return {};
  const std::size_t tensors = placement.groups.size(), named = std::min(unsettled.size(), named_at_once);
  const std::string more = unsettled.size() > named ? " and " + std::to_string(unsettled.size() - named) + " more" : "";
  context.warn("calibration has not converged: its last tenth still moves the ranges of " + std::to_string(unsettled.size()) + " of " +
               std::to_string(tensors) + (tensors == 1 ? " tensor" : " tensors") +
               " by more than 5 %: " + list_of(std::span(unsettled).first(named)) + more);
  return "its last tenth still moves " + list_of(unsettled);
}

}  // namespace quantize
