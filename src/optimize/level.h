// How hard the optimizer tries, like a compiler's -O levels.
#pragma once

namespace quantize {

enum class Level {
  o0,  // ranges by the chosen method, nearest rounding
  o1,  // seconds more: channel equalization, bias correction
  o2,  // minutes: every weight fitted to the FP32 layer's output (Gram matrices, GPTQ, coordinate descent)
};

}  // namespace quantize
