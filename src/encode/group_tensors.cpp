#include "encode/group_tensors.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "encode/integer_activation.h"
#include "encode/note_readers.h"

namespace quantize {
namespace {

class Grouper {
 public:
  Grouper(const GraphIndex& index, const Target& target, const QuantizedTensors& given)
      : index_(index), graph_(index.graph()), target_(target), given_(given) {}

  std::vector<TensorGroup> run() {
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto& node = graph_.node(i);
      const bool joins = is_active_concat(i) && target_.concat == ConcatSharing::all;
      const bool shares = given_.roles[i] == Role::moving || joins || named_in(target_.sharing, node);
      if (!given_.active.contains(i) || !shares) continue;
      for (const auto& output : node.output()) {
        if (given_.tensors.contains(output)) unite(node.output(0), output);
      }
      for (int k = 0; k < node.input_size(); ++k) {  // not constants, which several nodes may read: each has an encoding of its own
        if (is_data_input(node, k) && given_.tensors.contains(node.input(k))) unite(node.output(0), node.input(k));
      }
    }
    for (const int number : given_.integer_activations) {
      if (is_shared_activation(number)) unite(graph_.node(number).input(0), graph_.node(number).output(0));
    }
    for (int i = 0; i < graph_.node_size(); ++i) {
      if (is_active_concat(i) && target_.concat == ConcatSharing::lone_inputs) unite_lone_inputs(i);
    }
    std::map<std::string, std::size_t> places;
    const auto add = [&](const std::string& name) {
      if (!given_.tensors.contains(name)) return;
      const auto [place, fresh] = places.try_emplace(root(name), groups_.size());
      if (fresh) groups_.emplace_back();
      add_member(groups_[place->second], name);
    };
    for (const auto* input : fed_inputs(graph_)) add(input->name());
    for (const auto& node : graph_.node()) {
      for (const auto& output : node.output()) add(output);
    }
    for (auto& group : groups_) note_readers(group, index_);
    return std::move(groups_);
  }

 private:
  std::string root(const std::string& name) {
    auto found = parents_.find(name);
    if (found == parents_.end() || found->second == name) return name;
    return found->second = root(found->second);
  }

  void unite(const std::string& a, const std::string& b) {
    const std::string first = root(a), second = root(b);
    if (first != second) parents_[second] = first;
  }

  bool is_shared_activation(int number) const {
    return given_.integer_activations.contains(number) && shares_encoding(graph_.node(number));
  }

  bool is_active_concat(int number) const {
    return number >= 0 && graph_.node(number).op_type() == "Concat" && given_.active.contains(number);
  }

  // What nobody else reads is rounded once in place of twice. A Relu or Clip is absorbed by an encoding that saturates where it does: such
  // inputs share one only where all have the same bounds.
  void unite_lone_inputs(int concat) {
    const auto& node = graph_.node(concat);
    if (!given_.tensors.contains(node.output(0))) return;
    const bool alike = bounds_of(node.output(0)).has_value();
    for (const auto& input : node.input()) {
      if (!given_.tensors.contains(input) || (!alike && bounds_of(input)) || !is_lone(input, concat)) continue;
      for (auto& member : members_of(input)) seen_behind_.insert(std::move(member));
      unite(node.output(0), input);
    }
  }

  // Of the Relus or Clips that make a tensor's values, where all have the same.
  std::optional<std::pair<float, float>> bounds_of(const std::string& name) {
    const auto [place, fresh] = bounds_.try_emplace(name);
    const int number = index_.producer_number(name);
    if (!fresh || number < 0) return place->second;
    const auto& producer = graph_.node(number);
    auto bounds = moves(number) || is_active_concat(number) ? bounds_of(producer.input(0)) : clamp_bounds(producer, index_);
    for (int k = 1; k < producer.input_size() && is_active_concat(number); ++k) {
      if (bounds_of(producer.input(k)) != bounds) bounds.reset();
    }
    return place->second = bounds;
  }

  // Whether the Concat alone reads the values that share this tensor's encoding, and operators of the graph make all of them.
  bool is_lone(const std::string& name, int concat) {
    return std::ranges::all_of(members_of(name), [&](const std::string& member) {
      const int producer = index_.producer_number(member);
      if (producer < 0 || index_.is_graph_output(member) || is_shared_activation(producer)) return false;
      if (graph_.node(producer).op_type() == "Cast") return false;  // pixels have an exact encoding
      return std::ranges::all_of(index_.uses(member), [&](const Use& use) {
        const bool within = moves(use.node) || is_active_concat(use.node);
        return use.node == concat || (within && root(graph_.node(use.node).output(0)) == root(name));
      });
    });
  }

  std::vector<std::string> members_of(const std::string& name) {
    std::vector<std::string> members = {root(name)};
    for (const auto& entry : parents_) {
      if (root(entry.first) == members[0]) members.push_back(entry.first);
    }
    return members;
  }

  bool moves(int number) const { return number >= 0 && given_.roles[number] == Role::moving && given_.active.contains(number); }

  void add_member(TensorGroup& group, const std::string& name) {
    group.members.push_back(name);
    group.is_graph_output |= index_.is_graph_output(name);
    const int producer = index_.producer_number(name);
    if (moves(producer) || is_shared_activation(producer)) return;  // receives moved values only, or values nearer to zero
    if (seen_behind_.contains(name)) return;
    group.sources.push_back(name);
    if (group.sources.size() > 1) {  // values of several makers: no single operator's range holds for all
      group.range.reset();
      group.range_is_exact = group.is_pixels = group.is_shares = false;
      return;
    }
    if (producer >= 0) note_maker(group, graph_.node(producer), index_, target_, given_.bytes);
    if (is_active_concat(producer)) group.range = bounds_of(name);
  }

  const GraphIndex& index_;
  const onnx::GraphProto& graph_;
  const Target& target_;
  const QuantizedTensors& given_;
  std::map<std::string, std::string> parents_;
  std::map<std::string, std::optional<std::pair<float, float>>> bounds_;  // what bounds_of() has found
  std::set<std::string> seen_behind_;                                     // what a Concat joined: its result holds these values, too
  std::vector<TensorGroup> groups_;
};

}  // namespace

std::vector<TensorGroup> group_tensors(const GraphIndex& index, const Target& target, const QuantizedTensors& quantized) {
  return Grouper(index, target, quantized).run();
}

}  // namespace quantize
