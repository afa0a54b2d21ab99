#include "encode/note_readers.h"

#include <algorithm>

namespace quantize {
namespace {

bool is_member(const TensorGroup& group, const std::string& tensor) {
  return std::ranges::find(group.members, tensor) != group.members.end();
}

// Of a PRelu on integers: the group's values are those of its input, and it is what reads them.
bool is_made_within(const TensorGroup& group, const std::string& member, const GraphIndex& index) {
  const auto* producer = index.producer(member);
  return producer != nullptr && producer->op_type() == "PRelu" && is_member(group, producer->input(0));
}

// Who reads the group's values, but for those that only move them within the group. None where others see them, too.
std::vector<Use> all_readers(const TensorGroup& group, const GraphIndex& index) {
  std::vector<Use> readers;
  if (group.is_graph_output) return readers;
  for (const auto& member : group.members) {
    if (is_made_within(group, member, index)) continue;
    for (const auto& use : index.uses(member)) {
      if (!moves_within(group, use, index)) readers.push_back(use);
    }
  }
  return readers;
}

std::optional<std::pair<float, float>> distinct_values(const std::vector<Use>& readers, const GraphIndex& index) {
  std::optional<std::pair<float, float>> all;
  for (const auto& use : readers) {
    const auto own = use.input == 0 ? distinct_inputs(index.node(use.node), index) : std::nullopt;
    if (!own) return {};
    all = all ? std::pair{std::min(all->first, own->first), std::max(all->second, own->second)} : *own;
  }
  return all;
}

double weight_of_negatives(const std::vector<Use>& readers, const GraphIndex& index) {
  if (readers.empty()) return 1;
  double weight = 0;
  for (const auto& use : readers) weight = std::max(weight, use.input == 0 ? mean_square_slope(index.node(use.node), index) : 1);
  return std::min(weight, 1.0);
}

}  // namespace

bool moves_within(const TensorGroup& group, const Use& use, const GraphIndex& index) {
  const auto& node = index.node(use.node);
  const bool moves = (use.input == 0 && role_of(node, index) == Role::moving) || node.op_type() == "Concat";
  return moves && std::ranges::all_of(node.output(), [&](const auto& output) { return is_member(group, output); });
}

void note_readers(TensorGroup& group, const GraphIndex& index) {
  group.unclipped = group.is_graph_output;
  if (group.is_graph_output && group.is_shares) {
    group.is_shares = false;
    group.range_is_exact = true;
  }
  for (const auto& member : group.members) {
    for (const auto& use : index.uses(member)) group.unclipped |= fixed_range(index.node(use.node)).has_value();
  }
  const auto readers = all_readers(group, index);
  group.distinct = distinct_values(readers, index);
  group.negative_weight = weight_of_negatives(readers, index);
}

void note_maker(TensorGroup& group, const onnx::NodeProto& maker, const GraphIndex& index, const Target& target,
                const std::set<std::string>& bytes) {
  if (maker.op_type() == "Cast" && bytes.contains(maker.input(0))) {
    group.range = {0.0F, 255.0F};
    group.range_is_exact = group.is_pixels = true;
  } else if (const auto exact = fixed_range(maker)) {
    group.range = exact;
    group.is_shares = maker.op_type() == "Softmax" && named_in(target.float_operators, maker);
    group.range_is_exact = !group.is_shares;
  } else if (const auto bounds = clamp_bounds(maker, index)) {
    group.range = bounds;
  }
}

}  // namespace quantize
