#include "optimize/range_options.h"

#include <algorithm>
#include <utility>

namespace quantize {

ErrorWeights range_error_weights(const TensorGroup& group) { return {.cut = clipping_weight, .negative = group.negative_weight}; }

std::vector<RangeOption> range_options(const TensorGroup& group, const Encoding& own, const Statistics& statistics, const Scheme& scheme) {
  const auto seen = group_statistics(group, statistics);
  const int levels = 1 << scheme.activation_bits;
  const ErrorWeights weights = range_error_weights(group);
  const Range least = mse_range(seen, levels, {.negative = weights.negative});
  const auto part = [&](double factor) {  // of the longer side: the shorter one may be all that the reader sees
    const double most = factor * std::max(-least.low, least.high);
    return Range{std::max(least.low, -most), std::min(least.high, most)};
  };
  const std::pair<Range, const char*> ranges[] = {{mse_range(seen, levels, weights), "weighted mse"},
                                                  {least, "mse"},
                                                  {minmax_range(seen), "minmax"},
                                                  {percentile_range(seen, 99.999), "percentile 99.999"},
                                                  {percentile_range(seen, 99.99), "percentile 99.99"},
                                                  {entropy_range(seen, levels), "entropy"},
                                                  {part(0.9), "0.9 mse"},
                                                  {part(0.75), "0.75 mse"},
                                                  {part(0.5), "0.5 mse"}};
  static_assert(1 + std::size(ranges) == most_range_options);
  std::vector<RangeOption> options;
  const auto add = [&](Encoding encoding) {
    const double expected = expected_error(seen, {encoding.low(), encoding.high()}, levels, weights);
    options.push_back({std::move(encoding), expected});
  };
  add(own);
  for (const auto& [range, method] : ranges) {
    auto encoding = encode_range(limit_range(range, group, scheme.activation_bits), scheme.activation_type(), scheme.activations);
    encoding.method = method;
    const bool known = std::any_of(options.begin(), options.end(), [&](const RangeOption& other) {
      return other.encoding.scale == encoding.scale && other.encoding.zero_point == encoding.zero_point;
    });
    if (!known) add(std::move(encoding));
  }
  return options;
}

}  // namespace quantize
