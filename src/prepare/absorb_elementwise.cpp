#include "prepare/absorb_elementwise.h"

#include <set>

namespace quantize {
namespace {

struct Absorbed {
  int elementwise;
  LinearChange change;
};

std::optional<Absorbed> find_at(int number, const GraphIndex& index, const std::set<int>& taken, NameMaker& names,
                                const ElementwiseMeaning& meaning) {
  const auto& node = index.node(number);
  if (!standard_domain(node) || node.input_size() != 2) return {};
  const bool constant_is_second = index.initializer(node.input(1)) != nullptr;
  const auto* constant = index.initializer(node.input(constant_is_second ? 1 : 0));
  const std::string& tensor = node.input(constant_is_second ? 0 : 1);
  const int producer = index.producer_number(tensor);
  if (constant == nullptr || producer < 0 || taken.contains(producer) || !index.only_use(tensor)) return {};
  const auto channels = output_channels(index.node(producer), index);
  if (!channels) return {};
  const int rank = index.initializer(index.node(producer).input(1))->dims_size();  // a weight has the rank of its operator's output
  const auto values = per_channel(*constant, rank, *channels);
  if (!values) return {};
  const auto affine = meaning(node, *values, constant_is_second);
  if (!affine) return {};
  auto change = absorb_after(producer, *affine, index, names);
  if (!change) return {};
  return Absorbed{number, std::move(*change)};
}

std::size_t absorb_round(onnx::GraphProto& graph, const ElementwiseMeaning& meaning) {
  const GraphIndex index(graph);
  NameMaker names(graph);
  std::set<int> taken, removed;
  std::vector<Absorbed> found;
  for (int i = 0; i < graph.node_size(); ++i) {
    auto absorbed = find_at(i, index, taken, names, meaning);
    if (!absorbed) continue;
    taken.insert(absorbed->change.node);
    found.push_back(std::move(*absorbed));
  }
  drop_copies(found, index);
  std::vector<LinearChange> changes;
  for (auto& absorbed : found) {
    removed.insert(absorbed.elementwise);
    changes.push_back(std::move(absorbed.change));
  }
  // The operator takes over the name of what it absorbed, so that everybody downstream reads on.
  for (const int number : removed) {
    const auto& node = graph.node(number);
    const int producer = std::max(index.producer_number(node.input(0)), index.producer_number(node.input(1)));
    graph.mutable_node(producer)->set_output(0, node.output(0));
  }
  apply_changes(graph, std::move(changes));
  remove_nodes(graph, removed);
  return removed.size();
}

}  // namespace

std::size_t absorb_elementwise(Model& model, const ElementwiseMeaning& meaning) {
  std::size_t absorbed = 0;
  while (const std::size_t more = absorb_round(model.graph(), meaning)) absorbed += more;
  if (absorbed > 0) remove_unused(model.graph());
  return absorbed;
}

}  // namespace quantize
