// Which quantized tensors share one encoding: those that an operator merely moves values between, and those that the target wants alike.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

// What placement has decided, by node numbers and tensor names.
struct QuantizedTensors {
  const std::vector<Role>& roles;
  const std::set<int>& active;  // nodes that compute on integers, or move them
  const std::set<std::string>& tensors;
  const std::set<int>& integer_activations;
  const std::set<std::string>& bytes;  // tensors that hold integers of 8 bits by themselves
};

// Members in execution order, groups in the order of their first ones.
std::vector<TensorGroup> group_tensors(const GraphIndex& index, const Target& target, const QuantizedTensors& quantized);

}  // namespace quantize
