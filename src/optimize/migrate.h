// Moves the difficulty of activations into weights in front of matrix products (Xiao et al. 2023, SmoothQuant, arXiv 2211.10438): exactly
// the same function in float, but without the few channels that are many times as large as the rest, as normalizations in transformers have
// them.
//
// BEFORE  x = LayerNormalization(n, g, b) -> MatMul(W)          AFTER  x/s = LayerNormalization(n, g/s, b/s) -> MatMul(s W)
//         x = n * g + b                                                x/s = n * g/s + b/s
#pragma once

#include <vector>

#include "base/context.h"
#include "optimize/optimize.h"

namespace quantize {

// Channels lie along the last axis. A tensor takes part where a LayerNormalization, or a Mul or Add with a constant per channel, makes it
// and nothing but MatMul and Gemm with constants of their own reads it. Per channel, s = (largest |x| on the samples)^strength / (largest
// |W| of the channel)^(1 - strength). Returns the number of channels scaled; constants of `plan.model` are replaced.
int migrate(Plan& plan, const OptimizeInput& input, double strength, const Context& context);

}  // namespace quantize
