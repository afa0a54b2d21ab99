#include "mixed/units.h"

#include <algorithm>
#include <map>

#include "model/graph.h"

namespace quantize {

std::vector<Unit> units_of(const Model& model, const Placement& placement, const Scheme& scheme) {
  const GraphIndex index(model.graph());
  std::vector<std::pair<int, Unit>> found;   // with the node's number
  std::map<std::string, std::size_t> first;  // by weight, its place in `found`
  for (std::size_t i = 0; i < placement.weighted.size(); ++i) {
    const auto& [number, op] = placement.weighted[i];
    const auto& decision = placement.decisions[static_cast<std::size_t>(number)];
    const auto exception = scheme.exceptions.weights.find(decision.node);
    const int bits = exception != scheme.exceptions.weights.end() ? exception->second : scheme.weight_bits;
    const auto [known, fresh] = first.try_emplace(op.weight, found.size());
    if (fresh) {
      found.push_back({number, {Unit::Kind::weights, decision.node, decision.op_type, bits, i}});
    } else {
      Unit& unit = found[known->second].second;
      unit.bits = std::max(unit.bits, bits);
      unit.others.push_back(decision.node);
    }
  }
  for (std::size_t i = 0; i < placement.groups.size(); ++i) {
    const auto& group = placement.groups[i];
    if (group.is_pixels) continue;  // 8 bits by nature
    const auto* producer = index.producer(group.name());
    found.push_back({index.producer_number(group.name()),
                     {Unit::Kind::activations, group.name(), producer != nullptr ? producer->op_type() : "input",
                      scheme_for_activations(scheme, group).activation_bits, i}});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Unit> units;
  units.reserve(found.size());
  for (auto& entry : found) units.push_back(std::move(entry.second));
  return units;
}

}  // namespace quantize
