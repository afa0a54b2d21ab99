// Gemm's own factors go into its constants, so that every Gemm is a plain product with a bias.
//
//   BEFORE  y = Gemm <alpha = 0.5, beta = 2> (x, W, b)        AFTER  y = Gemm (x, 0.5 W, 2 b)
//
// beta stays where the third input is computed.
#include <algorithm>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

void drop_attribute(onnx::NodeProto& node, const std::string& name) {
  auto& attributes = *node.mutable_attribute();
  for (int i = attributes.size(); i-- > 0;) {
    if (attributes[i].name() == name) attributes.DeleteSubrange(i, 1);
  }
}

// The node's constant input times `factor`, under a name of its own: others may read the one there was.
bool scale_input(Model& model, onnx::NodeProto& node, int input, float factor, const GraphIndex& index, NameMaker& names) {
  const auto* tensor = node.input_size() > input ? index.initializer(node.input(input)) : nullptr;
  if (tensor == nullptr || tensor->data_type() != onnx::TensorProto::FLOAT) return false;
  auto values = float_values(*tensor);
  for (auto& value : values) value *= factor;
  const std::string name = names.unique(node.input(input) + "_scaled");
  const Shape shape = shape_of(*tensor);
  node.set_input(input, name);
  *model.graph().add_initializer() = make_tensor(name, shape, values);
  return true;
}

}  // namespace

std::string fold_gemm_factors(Model& model) {
  if (std::ranges::none_of(model.graph().node(), [](const auto& node) { return node.op_type() == "Gemm"; })) return {};
  const onnx::GraphProto before = model.graph();
  const GraphIndex index(before);
  NameMaker names(before);
  std::size_t folded = 0;
  for (auto& node : *model.graph().mutable_node()) {
    if (node.op_type() != "Gemm" || !standard_domain(node)) continue;
    const float alpha = float_attribute(node, "alpha", 1), beta = float_attribute(node, "beta", 1);
    bool changed = false;
    if (alpha != 1 && scale_input(model, node, 1, alpha, index, names)) {
      drop_attribute(node, "alpha");
      changed = true;
    }
    const bool has_bias = node.input_size() > 2 && !node.input(2).empty();
    if (beta != 1 && has_bias && scale_input(model, node, 2, beta, index, names)) {
      drop_attribute(node, "beta");
      changed = true;
    }
    folded += static_cast<std::size_t>(changed);
  }
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "Gemm", "Gemms");
}

}  // namespace quantize
