// The mean of every channel, as squeeze-and-excite gates take it, is a GlobalAveragePool: runtimes have an integer kernel for that, and
// none for ReduceMean.
//
//   BEFORE  y = ReduceMean <axes = all behind the channels, keepdims = 1> (x)          AFTER  y = GlobalAveragePool (x)
//   BEFORE  y = ReduceMean <axes = all behind the channels, keepdims = 0> (x)          AFTER  y = Flatten (GlobalAveragePool (x))
#include <algorithm>
#include <numeric>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

// An attribute up to opset 17, an input from then on.
std::vector<std::int64_t> axes_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.input_size() < 2 || node.input(1).empty()) return ints_attribute(node, "axes");
  const auto* constant = index.constant(node.input(1));
  return constant != nullptr ? int_values(*constant) : std::vector<std::int64_t>{};
}

bool only_weights_read(const std::string& tensor, const GraphIndex& index) {
  const auto& uses = index.uses(tensor);
  return !uses.empty() && !index.is_graph_output(tensor) && std::ranges::all_of(uses, [&](const Use& use) {
    const auto& node = index.node(use.node);
    const Role role = use.input == 0 ? role_of(node, index) : Role::floating;
    return role == Role::weighted || (role == Role::moving && only_weights_read(node.output(0), index));
  });
}

bool takes_channel_means(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types) {
  if (node.op_type() != "ReduceMean") return false;
  const int rank = types.rank(node.input(0));
  if (rank < 4 || types.of(node.input(0)).type != onnx::TensorProto::FLOAT || !only_weights_read(node.output(0), index)) return false;
  auto axes = axes_of(node, index);
  for (auto& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  std::vector<std::int64_t> wanted(static_cast<std::size_t>(rank - 2));
  std::iota(wanted.begin(), wanted.end(), 2);
  return axes == wanted;
}

}  // namespace

std::string pool_means(Model& model, const IsKept& is_kept) {
  auto& graph = model.graph();
  const GraphIndex index(graph);
  const ValueTypes types(model.proto);
  NameMaker names(graph);
  std::vector<onnx::NodeProto> nodes;
  std::size_t pooled = 0;
  for (const auto& node : graph.node()) {
    if (!may_replace(node, is_kept) || !takes_channel_means(node, index, types)) {
      nodes.push_back(node);
      continue;
    }
    ++pooled;
    const bool flattens = int_attribute(node, "keepdims", 1) == 0;
    const std::string mean = flattens ? names.unique(node.output(0) + "_mean") : node.output(0);
    nodes.push_back(make_node("GlobalAveragePool", {&node.input(0), 1}, {&mean, 1}));
    nodes.back().set_name(node.name());
    if (flattens) nodes.push_back(make_node("Flatten", {&mean, 1}, {&node.output(0), 1}));
  }
  if (pooled == 0) return {};
  set_nodes(graph, std::move(nodes));
  remove_unused(graph);
  return counted(pooled, "ReduceMean", "ReduceMeans");
}

}  // namespace quantize
