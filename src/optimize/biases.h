// Biases of weighted operators, for the steps that correct them.
#pragma once

#include <cstddef>
#include <vector>

#include "optimize/optimize.h"

namespace quantize {

// Gives every Conv, ConvTranspose and Gemm of the plan a bias of its own (zero where it had none).
void ensure_biases(Plan& plan);

// Per output channel, the weight scale below which int32 could not hold the bias, with room for a correction of the bias's own size.
std::vector<float> least_scales(const Plan& plan, const WeightedOp& op, const std::vector<float>& bias, std::size_t count);

}  // namespace quantize
