// Fits the weights of a whole network, layer after layer in execution order, each to the FP32 layer's output given the inputs that the layers before it, already
// quantized, produce: a layer repairs what earlier ones broke.
#pragma once

#include "base/context.h"
#include "optimize/optimize.h"

namespace quantize {

struct NetworkFit {
  int fitted = 0;                     // layers whose weights were fitted
  std::vector<std::string> skipped;   // layers that keep nearest rounding, with the reason
  std::size_t samples = 0;            // used
};

// Replaces weights, biases and weight encodings of the plan. At most `memory_limit` bytes of activations are kept (fewer samples are used then).
NetworkFit fit_network(Plan& plan, const OptimizeInput& input, std::size_t memory_limit, const Context& context);

}  // namespace quantize
