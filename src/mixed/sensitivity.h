// How much the first output suffers when one weight, or one set of activations, alone is quantized and everything else is float. All
// readers of an activation get it rounded: where a float operator reads what another float operator made (see rewrite.cpp), that is more
// than is written. Other outputs do not count, here as in all figures: what only they depend on has no noise.
#pragma once

#include <vector>

#include "base/context.h"
#include "evaluate/comparison.h"
#include "mixed/units.h"
#include "observe/calibrate.h"
#include "optimize/optimize.h"

namespace quantize {

struct Sensitivity {
  Unit unit;
  Accuracy accuracy;  // of the first output with only this unit quantized
  double noise = 0;   // energy of its error / its energy
};

struct SensitivityInput {
  LoadSample load;
  std::size_t available = 0;                        // samples that `load` knows
  std::size_t samples = 4;                          // of them, evenly spread, at most
  std::size_t memory_limit = std::size_t{1} << 30;  // bytes of activations kept: fewer samples where they do not fit
  ClassAxis axis = ClassAxis::first;
};

// One row per unit, in their order. `fp32` is the prepared model with its float weights, `plan` the same graph with the weights and
// encodings to be measured. The float network is run once, node after node; what it leaves for later nodes is kept, and for each unit only
// the nodes after it run again. The result does not depend on the number of threads.
std::vector<Sensitivity> measure_sensitivity(const Model& fp32, const Plan& plan, const Scheme& scheme, const SensitivityInput& input,
                                             const Context& context);

// What it keeps of its samples, in bytes: what a replay does, what a weight that is rounded makes of a tensor, and the outputs. `live`: as
// in an OptimizeInput; `output`: of one sample's first output.
std::size_t sensitivity_bytes(const SensitivityInput& input, std::size_t live, std::size_t output, const Context& context);

}  // namespace quantize
