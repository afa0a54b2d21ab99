// How hard the optimizer tries, like a compiler's -O levels.
#pragma once

#include "encode/scheme.h"

namespace quantize {

enum class Level {
  o0,  // plain: min-max ranges unless a method is given, nearest rounding
  o1,  // the default, somewhat more: equalization across channels, every weight fitted to the FP32 layer's output on a few samples
  o2,  // minutes: the same with all samples, measured ranges, more equalization strengths and more candidates per layer
  o3,  // longer: learned rounding from the closed-form solution, kept row by row where it helps
};

// The plain level takes plain ranges where no method was asked for.
inline Scheme scheme_at(Scheme scheme, Level level) {
  if (level == Level::o0 && scheme.method == RangeMethod::automatic) scheme.method = RangeMethod::minmax;
  return scheme;
}

}  // namespace quantize
