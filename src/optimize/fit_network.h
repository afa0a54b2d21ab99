// Fits the weights of a whole network, layer after layer in execution order, each to the FP32 layer's output given the inputs that the
// layers before it, already quantized, produce: a layer repairs what earlier ones broke.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/context.h"
#include "optimize/fit_layer.h"
#include "optimize/optimize.h"

namespace quantize {

struct NetworkFit {
  int fitted = 0;                    // layers whose weights were fitted
  std::vector<std::string> skipped;  // layers that keep nearest rounding, with the reason
  std::size_t samples = 0;           // used
};

// How much data and work goes into a fit.
struct FitEffort {
  std::size_t samples;             // at most
  std::size_t least_columns;       // positions sampled per layer, at least
  std::size_t columns_per_weight;  // times the length of what is fitted at once, where that is more
  std::vector<double> dampings;    // targets tried per layer, see fit_layer.h
  int sweeps;
  int draws = 1;                 // of the positions: as many fits, of which one is kept
  std::size_t draws_judged = 0;  // fitted samples that tell them apart, beside those that judge
  bool float_target = true;      // see fit_layer.h
  FitMethods methods = {};
  bool correct_bias = true;          // the mean error of every output channel goes into the bias
  std::size_t longest_block = 5120;  // of a column, fitted at once: bounds the memory of the K x K matrices
  std::size_t activations = std::numeric_limits<std::size_t>::max();  // bytes of them in both networks, at most
};

// Replaces weights, biases and weight encodings of the plan. Fewer samples are used where their activations would
// not fit into context.working_memory.
NetworkFit fit_network(Plan& plan, const OptimizeInput& input, const FitEffort& effort, const Context& context);

// What fit_network() keeps at the most: activations, sampled columns, and the matrices of the largest layer. `live`: see OptimizeInput.
std::size_t fit_bytes(const Plan& plan, const FitEffort& effort, std::size_t samples, std::size_t live, const Context& context);

}  // namespace quantize
