#include "verify/written_nodes.h"

#include <algorithm>

#include "encode/integer_activation.h"
#include "model/attribute.h"
#include "model/tensor.h"
#include "ops/op_table.h"

namespace quantize {
namespace {

std::vector<float> scales(const std::string& tensor, const GraphIndex& index) {
  if (const auto* stored = index.initializer(tensor)) return float_values(*stored);
  const auto* product = index.producer(tensor);
  if (product == nullptr || product->op_type() != "Mul") return {};
  const auto *factor = index.initializer(product->input(0)), *others = index.initializer(product->input(1));
  if (factor == nullptr || others == nullptr) return {};
  const float input = float_values(*factor)[0];
  auto values = float_values(*others);
  for (auto& value : values) value *= input;
  return values;
}

}  // namespace

Dequantizer constant_behind(const std::string& tensor, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  if (node == nullptr || node->op_type() != "DequantizeLinear") return {};
  const auto* integers = index.initializer(node->input(0));
  auto axis = static_cast<int>(int_attribute(*node, "axis", 1));
  if (axis < 0 && integers != nullptr) axis += integers->dims_size();
  return {integers, node->input_size() > 2 ? index.initializer(node->input(2)) : nullptr, scales(node->input(1), index), axis};
}

std::vector<const onnx::NodeProto*> written_nodes(const onnx::GraphProto& written, const GraphIndex& index) {
  std::vector<const onnx::NodeProto*> nodes;
  for (const auto& node : written.node()) {
    if (!may_be_weighted(node.op_type()) || node.input_size() < 2) continue;
    const auto* integers = constant_behind(node.input(1), index).integers;
    if (integers != nullptr && integers->dims_size() > 1) nodes.push_back(&node);  // a vector is no weight, see weighted_op()
  }
  return nodes;
}

std::vector<PlannedNode> planned_nodes(const GraphIndex& prepared, const Placement& placement, const Encodings& encodings) {
  std::vector<PlannedNode> nodes;
  for (const auto& weighted : placement.weighted) nodes.push_back({weighted.node, &weighted});
  for (const int number : placement.integer_activations) {
    if (runs_on_integers(prepared.node(number), encodings)) nodes.push_back({number, nullptr});
  }
  std::ranges::sort(nodes, {}, &PlannedNode::number);
  return nodes;
}

}  // namespace quantize
