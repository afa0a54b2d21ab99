// One vectorised pass over a tensor (Highway: the best instruction set is chosen when the program runs).
#pragma once

#include <span>

namespace quantize {

struct Extremes {
  float min, max;
  bool finite;  // false: the others mean nothing
};

// `values` must not be empty.
Extremes scan(std::span<const float> values);

}  // namespace quantize
