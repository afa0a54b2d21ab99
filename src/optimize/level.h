// How hard the optimizer tries, like a compiler's -O levels.
#pragma once

namespace quantize {

enum class Level {
  o0,  // ranges by the chosen method, nearest rounding
  o1,  // the default, somewhat more: equalization across channels, and every weight fitted to the FP32 layer's output on a few samples
  o2,  // minutes: the same with all samples, more equalization strengths and more candidates per layer
};

}  // namespace quantize
