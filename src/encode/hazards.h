// HAZARDS: values that a plain encoding would spoil. Each is solved where that is possible, and said to the context, once, as a note for
// the report.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/context.h"
#include "encode/encodings.h"

namespace quantize {

// The largest magnitude of each slice; of `layout` only axis and block count.
std::vector<float> largest_magnitudes(std::span<const float> values, const Shape& shape, const Encoding& layout);

// A slice (output channel) of zeros has no scale of its own, but its bias does: the scale becomes what gives the largest bias of the slice
// 2^24 steps (the tensor's largest scale where there is no bias). Returns the number of such slices.
int encode_zero_channels(Encoding& weight, std::span<const float> values, const Shape& shape, std::span<const float> bias,
                         float input_scale);

// Raises weight scales to where |bias| / (input scale * weight scale) stays below 2^30 and the product of the scales is a normal float.
// Returns how many channels that concerned.
int protect_bias(Encoding& weight, std::span<const float> bias, float input_scale, std::int64_t groups);

// Both of the above, with notes. `bias` is empty where there is none, or none that will be quantized. `node` is described in the notes.
void solve_weight_hazards(Encoding& weight, std::span<const float> values, const Shape& shape, std::span<const float> bias,
                          float input_scale, const WeightedOp& op, const std::string& node, Context& context);

// What an activation's statistics make of the range chosen for it: a tensor that is zero in all of calibration, or held no value, gets
// [0, 1] (any scale would do for its values; this one keeps its readers' biases exact) and a warning; a range that cuts off more than 1 %
// of the values is widened to leave out no more. The statistics are confined to what readers tell apart, `distinct`, where that is known.
Range solve_activation_hazards(Range range, const TensorStatistics& statistics, const std::optional<std::pair<float, float>>& distinct,
                               const std::string& tensor, Context& context);

}  // namespace quantize
