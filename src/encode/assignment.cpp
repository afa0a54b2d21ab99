#include "encode/assignment.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

namespace quantize {
namespace {

void require(bool holds, const std::string& text) {
  if (!holds) throw Error(ErrorKind::usage, "the assignment " + text);
}

std::vector<std::string> keys(const std::map<std::string, const TensorGroup*>& map) {
  std::vector<std::string> names(map.size());
  std::ranges::transform(map, names.begin(), [](const auto& entry) { return entry.first; });
  return names;
}

}  // namespace

void check_assignment(const Assignment& assignment, const Placement& placement) {
  std::vector<std::string> nodes;
  for (const auto& weighted : placement.weighted) nodes.push_back(placement.decisions[static_cast<std::size_t>(weighted.node)].node);
  for (const auto& [node, bits] : assignment.weights) {
    const bool known = std::find(nodes.begin(), nodes.end(), node) != nodes.end();
    require(known, "names '" + node + "', which is no node with weights to quantize" + did_you_mean(node, nodes));
    require(bits == 4 || bits == 8 || bits == float_bits,
            "gives the weights of '" + node + "' " + std::to_string(bits) + " bits; 4, 8 or float");
  }
  std::map<std::string, const TensorGroup*> groups;
  for (const auto& group : placement.groups) {
    for (const auto& member : group.members) groups[member] = &group;
  }
  std::map<const TensorGroup*, std::pair<std::string, int>> given;
  for (const auto& [tensor, bits] : assignment.activations) {
    const auto found = groups.find(tensor);
    require(found != groups.end(), "names '" + tensor + "', which is no tensor to quantize" + did_you_mean(tensor, keys(groups)));
    require(bits == 8 || bits == 16, "gives '" + tensor + "' " + std::to_string(bits) + " bits; 8 or 16");
    const auto [first, fresh] = given.try_emplace(found->second, tensor, bits);
    require(fresh || first->second.second == bits,
            "gives '" + first->second.first + "' and '" + tensor + "', which share an encoding, different bits");
  }
}

Placement place(const Model& model, const Target& target, Exclusions exclusions, const Assignment& assignment) {
  Placement placement = place(model, target, exclusions);
  check_assignment(assignment, placement);
  const std::size_t before = exclusions.nodes.size();
  for (const auto& [node, bits] : assignment.weights) {
    if (bits == float_bits) exclusions.nodes.push_back(node);
  }
  return exclusions.nodes.size() == before ? placement : place(model, target, exclusions);
}

}  // namespace quantize
