// The 16-bit float formats, bit patterns to and from float.
#pragma once

#include <cstdint>

namespace quantize {

float half_to_float(std::uint16_t half);
// Round to nearest even; beyond the largest half is infinity.
std::uint16_t float_to_half(float value);
float bfloat_to_float(std::uint16_t value);
std::uint16_t float_to_bfloat(float value);

}  // namespace quantize
