// What a single pass over the data allows for nearest rounding: weight scales chosen by the error weighted with each input channel's energy, and biases corrected
// for the mean error that rounding leaves (empirical bias correction in closed form: b += (W - Q(W)) E[x]; Nagel et al. 2019).
#pragma once

#include "observe/statistics.h"
#include "optimize/optimize.h"

namespace quantize {

// Layers whose input statistics have no channels keep what they have. Returns the number of layers changed.
int round_weights(Plan& plan, const Statistics& statistics);

}  // namespace quantize
