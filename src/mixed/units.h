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
  std::string name;       // the node's (the first one's that reads the weights), or the first tensor's: as in an Assignment
  std::string op_type;    // of the node that reads the weights or makes the tensor; "input" for what is fed in
  int bits = 8;           // under the scheme
  std::size_t place = 0;  // in placement.weighted or placement.groups
  // The other nodes that read the weights. These are stored once, so that all of them get the same bits.
  std::vector<std::string> others = {};
};

// In execution order, activations after the weights of the node that makes them. A weight that several nodes read is one unit, at the first
// of them; where an assignment gives these different bits, it has the most.
std::vector<Unit> units_of(const Model& model, const Placement& placement, const Scheme& scheme);

}  // namespace quantize
