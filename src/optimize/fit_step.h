// The step that fits weights: fit_network() and its judgement.
#pragma once

#include "base/context.h"
#include "optimize/fit_network.h"
#include "optimize/judge.h"

namespace quantize {

// Fits the plan's weights and biases, of several draws the best; where that does not help, the weights alone; where neither does, the plan
// stays what it was. Learned rounding is compared with the closed form.
Step try_fitting(Plan& plan, OptimizeInput learned, const Judge& judge, FitEffort effort, const Context& context);

}  // namespace quantize
