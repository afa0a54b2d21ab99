// The exceptions from a scheme: which weights and which activations get another number of bits. Plain data: chosen by the search for mixed
// precision, saved, edited and given back.
#pragma once

#include <map>
#include <string>

#include "encode/placement.h"

namespace quantize {

constexpr int float_bits = 32;

struct Assignment {
  // By the node's name (that of its first output where it has none): 4 or 8; float_bits leaves the whole node float.
  std::map<std::string, int> weights;
  // By tensor: 8 or 16, for all tensors that share its encoding.
  std::map<std::string, int> activations;

  [[nodiscard]] bool empty() const { return weights.empty() && activations.empty(); }
};

// Throws Error{usage}, with the nearest known name, where the assignment names a node without weights or a tensor without encoding, gives
// bits that do not exist, or two tensors that share an encoding different bits. `placement` is the one without nodes left float.
void check_assignment(const Assignment& assignment, const Placement& placement);

// By weight, the bits it is stored with: the most that a node which reads it is given; `otherwise` where nothing is said of a node. What is
// left float does not count, it has the float weight beside. float_bits where all are.
std::map<std::string, int> stored_bits(const Placement& placement, const Assignment& assignment, int otherwise);

// The placement with the nodes that the assignment leaves float excluded as well; checks the assignment.
Placement place(const Model& model, const Target& target, Exclusions exclusions, const Assignment& assignment);

}  // namespace quantize
