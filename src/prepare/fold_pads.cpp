// Zeros that a Pad puts around an image are padding of the convolutions that alone read it: exporters write them out where a framework pads
// by itself (TensorFlow's SAME, "fixed padding").
//
//   BEFORE  t = Pad (x, [0, 0, 1, 1, 0, 0, 1, 1]);  y = Conv (t, W)          AFTER  y = Conv <pads = [1, 1, 1, 1]> (x, W)
#include <algorithm>
#include <optional>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

using Pads = std::vector<std::int64_t>;  // begins, then ends, of the axes behind batch and channels

// How many zeros the Pad adds; nothing where it adds other values, cuts off, or touches batch or channels.
std::optional<Pads> zeros_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Pad" || !standard_domain(node) || string_attribute(node, "mode", "constant") != "constant") return {};
  if (node.input_size() < 2 || (node.input_size() > 3 && !node.input(3).empty())) return {};  // opset 2, or axes of its own
  const bool has_value = node.input_size() > 2 && !node.input(2).empty();
  if (has_value && index.scalar(node.input(2)) != 0.0) return {};
  const auto* given = index.initializer(node.input(1));
  if (given == nullptr) return {};
  const auto all = int_values(*given);
  const std::size_t rank = all.size() / 2;
  if (rank < 3 || std::ranges::any_of(all, [](std::int64_t pad) { return pad < 0; })) return {};
  if (all[0] + all[1] + all[rank] + all[rank + 1] != 0) return {};
  Pads zeros(all.begin() + 2, all.begin() + static_cast<std::ptrdiff_t>(rank));
  zeros.insert(zeros.end(), all.begin() + static_cast<std::ptrdiff_t>(rank) + 2, all.end());
  return zeros;
}

// The padding of a convolution, written out; nothing for other operators, or where it follows from the input's size.
std::optional<Pads> padding_of(const onnx::NodeProto& node, std::size_t sides) {
  const std::string automatic = string_attribute(node, "auto_pad", "NOTSET");
  if (node.op_type() != "Conv" || !standard_domain(node) || (automatic != "NOTSET" && automatic != "VALID")) return {};
  Pads pads = ints_attribute(node, "pads", Pads(sides, 0));
  if (pads.size() != sides) return {};
  return pads;
}

bool takes_pads(const Use& use, std::size_t sides, const GraphIndex& index) {
  return use.input == 0 && padding_of(index.node(use.node), sides).has_value();
}

std::size_t fold_round(onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  std::set<int> folded;
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto zeros = zeros_of(graph.node(i), index);
    if (!zeros) continue;
    const std::string &from = graph.node(i).input(0), &to = graph.node(i).output(0);
    const auto& uses = index.uses(to);
    const bool taken = std::ranges::all_of(uses, [&](const Use& use) { return takes_pads(use, zeros->size(), index); });
    if (index.is_graph_output(to) || !taken) continue;
    for (const Use& use : uses) {
      auto& node = *graph.mutable_node(use.node);
      auto pads = *padding_of(node, zeros->size());
      std::ranges::transform(pads, *zeros, pads.begin(), std::plus<>());
      remove_attribute(node, "auto_pad");
      set_attribute(node, "pads", pads);
      node.set_input(0, from);
    }
    folded.insert(i);
  }
  remove_nodes(graph, folded);
  return folded.size();
}

}  // namespace

std::string fold_pads(Model& model) {
  std::size_t folded = 0;
  while (const std::size_t more = fold_round(model.graph())) folded += more;  // one Pad may stand before another
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "Pad", "Pads");
}

}  // namespace quantize
