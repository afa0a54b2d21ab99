// One vectorised pass over a tensor (Highway: the best instruction set is chosen when the program runs).
#pragma once

#include <cstdint>
#include <span>

namespace quantize {

struct Extremes {
  float min, max;
  bool finite;  // false: the others mean nothing
};

// `values` must not be empty.
Extremes scan(std::span<const float> values);

// floor(value * per_unit) + bins / 2 of each value, held within 0 .. bins - 1. `places` has room for all of them.
void bin_places(std::span<const float> values, float per_unit, int bins, std::span<std::int32_t> places);

}  // namespace quantize
