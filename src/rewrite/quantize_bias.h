// A bias as int32 at the scale at which a kernel's sums are: input scale times weight scale, channel by channel, as float32 products.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quantize {

struct QuantizedBias {
  std::vector<float> scale;  // one, or one per channel
  std::vector<std::int32_t> integers;
};

// `weight_scales`: one, or one for each of some channels, over and over (groups of a ConvTranspose). `drops_low_byte`: see multiplier.h.
QuantizedBias quantize_bias(std::span<const float> values, float input_scale, std::span<const float> weight_scales, bool drops_low_byte);

}  // namespace quantize
