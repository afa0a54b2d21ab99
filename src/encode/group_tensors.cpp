#include "encode/group_tensors.h"

#include <map>

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
      const bool shares =
          given_.roles[i] == Role::moving || (node.op_type() == "Concat" && target_.concat_shares) || named_in(target_.sharing, node);
      if (!given_.active.contains(i) || !shares) continue;
      for (const auto& output : node.output()) {
        if (given_.tensors.contains(output)) unite(node.input(0), output);
      }
      for (int k = 1; k < node.input_size() && given_.roles[i] != Role::moving; ++k) {
        if (given_.tensors.contains(node.input(k))) unite(node.input(0), node.input(k));
      }
    }
    for (const int number : given_.integer_activations) {
      if (is_shared_activation(number)) unite(graph_.node(number).input(0), graph_.node(number).output(0));
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

  void add_member(TensorGroup& group, const std::string& name) {
    group.members.push_back(name);
    group.is_graph_output |= index_.is_graph_output(name);
    const int producer = index_.producer_number(name);
    const bool moved = producer >= 0 && given_.roles[producer] == Role::moving && given_.active.contains(producer);
    if (moved || is_shared_activation(producer)) return;  // receives moved values only, or values nearer to zero
    group.sources.push_back(name);
    if (group.sources.size() > 1) {  // values of several makers: no single operator's range holds for all
      group.range.reset();
      group.range_is_exact = group.is_pixels = false;
      return;
    }
    if (producer >= 0) note_maker(group, graph_.node(producer), index_, given_.bytes);
  }

  const GraphIndex& index_;
  const onnx::GraphProto& graph_;
  const Target& target_;
  const QuantizedTensors& given_;
  std::map<std::string, std::string> parents_;
  std::vector<TensorGroup> groups_;
};

}  // namespace

std::vector<TensorGroup> group_tensors(const GraphIndex& index, const Target& target, const QuantizedTensors& quantized) {
  return Grouper(index, target, quantized).run();
}

}  // namespace quantize
