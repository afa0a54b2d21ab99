// Where NaN or infinity first appears when a model runs: for an error that names the place rather than the output it ends up in.
#pragma once

#include <span>
#include <string>

#include "model/model.h"
#include "model/tensor.h"

namespace quantize {

// "tensor 't', which Log 'log' makes"; empty where every tensor is finite or the model cannot be looked into.
std::string first_nonfinite(const Model& model, std::span<const Tensor> inputs);

}  // namespace quantize
