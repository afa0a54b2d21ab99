#include "rewrite/quantize_bias.h"

#include <algorithm>
#include <cmath>

#include "encode/multiplier.h"

namespace quantize {

QuantizedBias quantize_bias(std::span<const float> values, float input_scale, std::span<const float> weight_scales, bool drops_low_byte) {
  constexpr double largest = 2147483647;
  QuantizedBias bias;
  const std::size_t scales = weight_scales.size();
  for (std::size_t i = 0; i < (scales == 1 ? 1 : values.size()); ++i) bias.scale.push_back(input_scale * weight_scales[i % scales]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float scale = bias.scale[bias.scale.size() == 1 ? 0 : i];  // may underflow where there is no bias to protect
    const double exact = values[i] == 0 ? 0 : static_cast<double>(values[i]) / scale;
    const double rounded = drops_low_byte ? bias_for_dropped_byte(exact) : std::nearbyint(exact);
    bias.integers.push_back(static_cast<std::int32_t>(std::clamp(rounded, -largest, largest)));
  }
  return bias;
}

}  // namespace quantize
