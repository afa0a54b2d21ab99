// A summand per channel behind a sum, a Concat or a Resize goes back through them into the biases before, where nobody else reads what lies
// between: the other half of what a BatchNormalization behind a residual sum leaves.
//
//   BEFORE  y = Add (Add (x, Resize (Conv (.., W, c))), b)          AFTER  y = Add (x, Resize (Conv (.., W, c + b)))
#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/edit.h"
#include "prepare/channel_affine.h"
#include "prepare/channel_walk.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

using Summands = std::vector<double>;

// Who takes which summands, by node; nothing where someone cannot.
class SummandsBack {
 public:
  SummandsBack(const GraphIndex& index, const ValueTypes& types) : index_(index), walk_(index, types) {}

  bool add(const std::string& tensor, const Summands& summands) {
    const int producer = is_read_once(tensor) ? index_.producer_number(tensor) : -1;
    if (producer < 0 || walk_.channels(tensor) != std::ssize(summands)) return false;
    const auto& node = index_.node(producer);
    if (const auto outputs = output_channels(node, index_)) {
      if (*outputs != std::ssize(summands)) return false;
      found_[producer] = summands;
      return true;
    }
    if (walk_.keeps_summands(node)) return add(node.input(0), summands);
    for (const int operand : {1, 0}) {
      const auto before = found_;
      if (walk_.adds_channels(node, operand) && add(node.input(operand), summands)) return true;
      found_ = before;
    }
    return walk_.joins_channels(node) &&
           walk_.each_part(node, summands, [&](const std::string& part, const Summands& own) { return add(part, own); });
  }

  void apply(onnx::GraphProto& graph, NameMaker& names) const {
    std::vector<LinearChange> changes;
    for (const auto& [number, summands] : found_) {
      auto change = absorb_after(number, {Summands(summands.size(), 1.0), summands}, index_, names);
      if (!change) throw Error(ErrorKind::internal, "a bias cannot take a summand");
      changes.push_back(std::move(*change));
    }
    apply_changes(graph, std::move(changes));
  }

 private:
  [[nodiscard]] bool is_read_once(const std::string& tensor) const {
    const auto readers =
        std::ranges::count_if(index_.uses(tensor), [&](const Use& use) { return !reads_shape_only(index_.node(use.node)); });
    return readers == 1 && !index_.is_graph_output(tensor);
  }

  const GraphIndex& index_;
  ChannelWalk walk_;
  std::map<int, Summands> found_;
};

bool fold_one(onnx::GraphProto& graph, const ValueTypes& types, NameMaker& names) {
  const GraphIndex index(graph);
  const ChannelWalk walk(index, types);
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto summands = walk.operand(graph.node(i), "Add");
    if (!summands || index.is_graph_output(graph.node(i).output(0))) continue;
    const std::string input = graph.node(i).input(summands->tensor), output = graph.node(i).output(0);
    SummandsBack back(index, types);
    if (!back.add(input, summands->values)) continue;
    back.apply(graph, names);
    replace_uses(graph, output, input);
    remove_nodes(graph, {i});
    return true;
  }
  return false;
}

}  // namespace

std::string fold_summands_behind(Model& model) {
  if (!has_constant_operand(model.graph(), {"Add"})) return {};
  std::size_t folded = 0;
  const ValueTypes types(model.proto);  // a fold changes none of them
  NameMaker names(model.graph());
  while (fold_one(model.graph(), types, names)) ++folded;
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "summand", "summands");
}

}  // namespace quantize
