// The things whose bits can be chosen one by one: each weight, and each set of activations that share an encoding.
#pragma once

#include <string>
#include <vector>

#include "encode/placement.h"
#include "encode/scheme.h"
#include "model/model.h"

namespace quantize {

struct Unit {
  enum class Kind { weights, activations };
  Kind kind = Kind::weights;
  std::string name;       // the node's, or the first tensor's: as in an Assignment
  std::string op_type;    // of the node that reads the weights or makes the tensor; "input" for what is fed in
  int bits = 8;           // under the scheme
  std::size_t place = 0;  // in placement.weighted or placement.groups
};

// In execution order, activations after the weights of the node that makes them. A weight that several nodes read is one unit per node;
// it is stored with the most bits that one of them asks for.
std::vector<Unit> units_of(const Model& model, const Placement& placement, const Scheme& scheme);

}  // namespace quantize
