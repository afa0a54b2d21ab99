#include "encode/assignment.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

namespace quantize {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::usage, "the assignment " + text); }

const std::string& node_of(const WeightedNode& weighted, const Placement& placement) {
  return placement.decisions[static_cast<std::size_t>(weighted.node)].node;
}

std::vector<std::string> keys(const std::map<std::string, const TensorGroup*>& map) {
  std::vector<std::string> names(map.size());
  std::ranges::transform(map, names.begin(), [](const auto& entry) { return entry.first; });
  return names;
}

}  // namespace

void check_assignment(const Assignment& assignment, const Placement& placement) {
  std::vector<std::string> nodes;
  for (const auto& weighted : placement.weighted) nodes.push_back(node_of(weighted, placement));
  const std::set<std::string> known(nodes.begin(), nodes.end());
  for (const auto& [node, bits] : assignment.weights) {
    if (!known.contains(node)) refuse("names '" + node + "', which is no node with weights to quantize" + did_you_mean(node, nodes));
    if (bits != 4 && bits != 8 && bits != float_bits)
      refuse("gives the weights of '" + node + "' " + std::to_string(bits) + " bits; 4, 8 or float");
  }
  std::map<std::string, const TensorGroup*> groups;
  for (const auto& group : placement.groups) {
    for (const auto& member : group.members) groups[member] = &group;
  }
  std::map<const TensorGroup*, std::pair<std::string, int>> given;
  for (const auto& [tensor, bits] : assignment.activations) {
    const auto found = groups.find(tensor);
    if (found == groups.end()) refuse("names '" + tensor + "', which is no tensor to quantize" + did_you_mean(tensor, keys(groups)));
    if (bits != 8 && bits != 16) refuse("gives '" + tensor + "' " + std::to_string(bits) + " bits; 8 or 16");
    const auto [first, fresh] = given.try_emplace(found->second, tensor, bits);
    if (!fresh && first->second.second != bits)
      refuse("gives '" + first->second.first + "' and '" + tensor + "', which share an encoding, different bits");
  }
}

std::map<std::string, int> stored_bits(const Placement& placement, const Assignment& assignment, int otherwise) {
  std::map<std::string, int> stored;
  for (const auto& weighted : placement.weighted) {
    const auto given = assignment.weights.find(node_of(weighted, placement));
    const int bits = given != assignment.weights.end() ? given->second : otherwise;
    const auto [most, fresh] = stored.try_emplace(weighted.op.weight, bits);
    if (most->second == float_bits || (bits != float_bits && bits > most->second)) most->second = bits;
  }
  return stored;
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
