#include "rewrite/split_prelu.h"

#include <algorithm>

#include "model/tensor.h"

namespace quantize {

std::vector<onnx::NodeProto> split_prelu(onnx::NodeProto node, const onnx::TensorProto* slope, NameMaker& names) {
  if (node.op_type() != "PRelu" || slope == nullptr || slope->data_type() != onnx::TensorProto::FLOAT) return {std::move(node)};
  const auto values = float_values(*slope);
  const bool up_to_one = std::all_of(values.begin(), values.end(), [](float s) { return s <= 1; });
  const bool above_one = std::all_of(values.begin(), values.end(), [](float s) { return s >= 1; });
  if (!up_to_one && !above_one) return {std::move(node)};
  const std::string scaled = names.unique("m");
  const std::string factors[] = {node.input(0), node.input(1)}, candidates[] = {node.input(0), scaled};
  auto multiply = make_node("Mul", factors, {&scaled, 1});
  auto choose = make_node(up_to_one ? "Max" : "Min", candidates, {&node.output(0), 1});
  choose.set_name(node.name());
  return {std::move(multiply), std::move(choose)};
}

}  // namespace quantize
