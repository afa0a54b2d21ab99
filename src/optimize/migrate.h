// Moves the difficulty of activations into weights in front of matrix products (Xiao et al. 2023, SmoothQuant, arXiv 2211.10438): exactly
// the same function in float, but without the few channels that are many times as large as the rest, as normalizations in transformers have
// them.
//
// BEFORE  x = LayerNormalization(n, g, b) -> MatMul(W)          AFTER  x/s = LayerNormalization(n, g/s, b/s) -> MatMul(s W)
//         x = n * g + b                                                x/s = n * g/s + b/s
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/context.h"
#include "optimize/optimize.h"

namespace quantize {

// Channels lie along the last axis. A tensor takes part where a LayerNormalization, or a Mul or Add with a constant per channel, makes it
// and nothing but MatMul and Gemm with constants of their own reads it, as it is or as a list of tokens.
class Migration {
 public:
  // Finds the tensors of the plan that take part, and runs its model once on the samples to see how large their channels are.
  Migration(const Plan& plan, const OptimizeInput& input, const Context& context);

  [[nodiscard]] bool is_empty() const { return places_.empty(); }
  // Scales `model`, which is the plan's: per channel by s = (largest |x| on the samples)^strength / (largest |W| of the
  // channel)^(1 - strength). Returns the number of channels scaled.
  int apply(Model& model, double strength) const;

  // One tensor, the constants that divide it, and the products whose weights multiply it back.
  struct Place {
    std::string tensor;
    std::vector<std::string> divided;
    std::vector<int> readers;
    std::vector<double> largest = {};  // |x| per channel
  };

 private:
  std::map<int, WeightedOp> ops_;
  std::vector<Place> places_;
};

}  // namespace quantize
