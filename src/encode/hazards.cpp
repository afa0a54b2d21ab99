#include "encode/hazards.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <vector>

namespace quantize {
namespace {

constexpr double most_saturated = 0.01;
constexpr float far_apart = 1000;  // times the median channel's largest magnitude

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string channels(int count) { return std::to_string(count) + (count == 1 ? " channel" : " channels"); }

// A channel far larger than the others: harmless with scales of their own, the end of the others without.
void note_outlying_channel(const Encoding& weight, std::span<const float> values, const Shape& shape, int channel_axis,
                           const std::string& node, Context& context) {
  if (channel_axis < 0 || weight.block > 0) return;
  Encoding channels_of = weight;
  channels_of.axis = channel_axis;
  const auto largest = largest_magnitudes(values, shape, channels_of);
  auto sorted = largest;
  std::erase(sorted, 0.0F);
  if (sorted.size() < 3) return;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
  const float median = sorted[sorted.size() / 2];
  const auto most = std::max_element(largest.begin(), largest.end());
  if (!(*most > far_apart * median)) return;
  const std::string what = node + ": the weights of channel " + std::to_string(most - largest.begin()) + " are " +
                           number(static_cast<double>(*most / median)) + " times those of the median channel";
  if (weight.axis >= 0) {
    context.note(what + "; every channel has a scale of its own");
  } else {
    context.warn(what + " and share their scale, which leaves the others next to nothing; use --weights per-channel or exclude the node");
  }
}

double share_outside(const TensorStatistics& statistics, const Range& range) {
  const auto& histogram = statistics.histogram;
  const auto total = static_cast<double>(histogram.total());
  // What lies in the bin behind an end may be the end itself: a Clip's bound.
  const bool below = statistics.min < range.low;
  const bool above = statistics.max > range.high;
  double outside = 0;
  for (int bin = 0; bin < Histogram::bins; ++bin) {
    const double low = histogram.left_edge(bin);
    if ((below && low + histogram.bin_width() <= range.low) || (above && low >= range.high))
      outside += static_cast<double>(histogram.counts()[bin]);
  }
  return total > 0 ? outside / total : 0;
}

}  // namespace

std::vector<float> largest_magnitudes(std::span<const float> values, const Shape& shape, const Encoding& layout) {
  const std::int64_t slices = layout.axis < 0    ? 1
                              : layout.block > 0 ? element_count(layout.scale_shape(shape))
                                                 : shape[static_cast<std::size_t>(layout.axis)];
  std::vector<float> largest(static_cast<std::size_t>(slices));
  for_each_stretch(shape, layout, [&](std::size_t slice, std::size_t begin, std::size_t end) {
    float most = largest[slice];
    for (std::size_t i = begin; i < end; ++i) most = std::max(most, std::fabs(values[i]));
    largest[slice] = most;
  });
  return largest;
}

int encode_zero_channels(Encoding& weight, std::span<const float> values, const Shape& shape, std::span<const float> bias,
                         float input_scale) {
  constexpr double steps = 1 << 24;
  const auto largest = largest_magnitudes(values, shape, weight);
  const auto zeros = std::count(largest.begin(), largest.end(), 0.0F);
  if (zeros == 0) return 0;
  float common = 0;
  for (std::size_t c = 0; c < largest.size(); ++c) common = largest[c] > 0 ? std::max(common, weight.scale[c]) : common;
  for (std::size_t c = 0; c < largest.size(); ++c) {
    if (largest[c] != 0) continue;
    double most = 0;  // of the biases that use this slice: one, all (per tensor), or one per group
    for (std::size_t i = 0; i < bias.size(); ++i) {
      if (i % largest.size() == c) most = std::max<double>(most, std::fabs(bias[i]));
    }
    const double wanted = most / (static_cast<double>(input_scale) * steps);
    const float scale = wanted > FLT_MIN ? static_cast<float>(wanted) : common > 0 ? common : 1.0F;
    weight.scale[c] = weight.scale[c] == 1.0F ? scale : std::max(scale, weight.scale[c]);  // not 1: another reader of these weights set it
  }
  return static_cast<int>(zeros);
}

int protect_bias(Encoding& weight, std::span<const float> bias, float input_scale, std::int64_t groups) {
  constexpr double limit = 1 << 30;           // half of what int32 holds: the accumulator needs the other half
  constexpr double smallest = FLT_MIN * 4.0;  // a denormal scale has few digits, and no reciprocal
  int raised = 0;
  if (weight.block > 0) return 0;  // stays float
  const std::size_t per_group = bias.size() / static_cast<std::size_t>(std::max<std::int64_t>(groups, 1)), scales = weight.scale.size();
  if (scales != 1 && scales != bias.size() && scales != per_group) return 0;  // not one value per output: stays float
  for (std::size_t i = 0; i < bias.size(); ++i) {
    auto& scale = weight.scale[scales == 1 ? 0 : scales == bias.size() ? i : i % per_group];
    const double needed = std::fabs(bias[i]) / (static_cast<double>(input_scale) * limit);
    const double least = std::max(needed, bias[i] != 0 ? smallest / input_scale : 0);
    if (scale >= least) continue;
    scale = static_cast<float>(std::max(least, smallest));
    ++raised;
  }
  return raised;
}

void solve_weight_hazards(Encoding& weight, std::span<const float> values, const Shape& shape, std::span<const float> bias,
                          float input_scale, const WeightedOp& op, const std::string& node, Context& context) {
  if (const int zeros = encode_zero_channels(weight, values, shape, bias, input_scale); zeros > 0) {
    context.note(node + ": " +
                 (weight.axis < 0 ? "all weights are"
                                  : (weight.block > 0 ? std::to_string(zeros) + " blocks" : channels(zeros)) + " of the weights " +
                                        (zeros == 1 ? "is" : "are")) +
                 " zero; the scale follows the bias");
  }
  if (const int raised = protect_bias(weight, bias, input_scale, op.groups); raised > 0) {
    context.note(node + ": the weight scale of " + channels(raised) + " was raised so that the bias fits int32");
  }
  note_outlying_channel(weight, values, shape, op.channel_axis, node, context);
}

Range solve_activation_hazards(Range range, const TensorStatistics& statistics, const std::optional<std::pair<float, float>>& distinct,
                               const std::string& tensor, Context& context) {
  const std::string activation = "activation '" + tensor + "' ", in_all = " in all of calibration";
  if (statistics.count == 0) {
    context.warn(activation + "held no value" + in_all + "; add images that fill it");
    return {0, 1};
  }
  const bool constant = statistics.count > 1 && statistics.min == statistics.max, zero = statistics.min == 0 && statistics.max == 0;
  if (distinct && (statistics.max <= distinct->first || statistics.min >= distinct->second)) {
    context.warn(activation + "never left what all that read it saturate at" + in_all + "; check that the images are typical");
    return zero ? Range{0, 1} : minmax_range(statistics);
  }
  if (zero) {
    context.warn(activation + "was zero" + in_all + "; check that the images are typical");
    return {0, 1};
  }
  if (constant) {
    context.note(activation + "was " + number(static_cast<double>(statistics.max)) + in_all +
                 "; its encoding holds that value and zero exactly");
    return minmax_range(statistics);
  }
  if (const double outside = share_outside(statistics, range); outside > most_saturated) {
    const Range wide = percentile_range(statistics, 100 * (1 - most_saturated));
    context.note("activation '" + tensor + "' would have been saturated in " + number(100 * outside) +
                 " % of its values; its range was widened");
    return {std::min(range.low, wide.low), std::max(range.high, wide.high)};
  }
  return range;
}

}  // namespace quantize
