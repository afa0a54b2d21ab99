#include "prepare/value_types.h"

#include <algorithm>
#include <set>

#include "model/graph.h"
#include "model/infer_shapes.h"
#include "model/payload.h"

namespace quantize {
namespace {

// Shapes, axes, sizes and the like are far smaller; weights are only asked for their shape.
constexpr std::int64_t largest_value_read = 4096;

void copy_header(const onnx::TensorProto& from, onnx::TensorProto& to) {
  if (element_count(shape_of(from)) <= largest_value_read && !is_external(from)) {
    to = from;
    return;
  }
  to.set_name(from.name());
  to.set_data_type(from.data_type());
  *to.mutable_dims() = from.dims();
}

// The graph with everything inference needs and nothing it should not believe.
onnx::ModelProto skeleton(const onnx::ModelProto& model) {
  onnx::ModelProto copy;
  copy.set_ir_version(model.ir_version());
  *copy.mutable_opset_import() = model.opset_import();
  *copy.mutable_functions() = model.functions();
  const auto& graph = model.graph();
  auto& target = *copy.mutable_graph();
  target.set_name(graph.name());
  *target.mutable_node() = graph.node();
  *target.mutable_input() = graph.input();
  for (const auto& tensor : graph.initializer()) copy_header(tensor, *target.add_initializer());
  for (const auto& output : graph.output()) {
    auto& value = *target.add_output();
    value = output;
    if (value.type().has_tensor_type()) value.mutable_type()->mutable_tensor_type()->clear_shape();
  }
  std::set<std::string> opaque;  // made by operators that ONNX knows nothing about
  for (const auto& node : graph.node()) {
    if (!standard_domain(node)) opaque.insert(node.output().begin(), node.output().end());
  }
  for (const auto& value : graph.value_info()) {
    if (opaque.contains(value.name())) *target.add_value_info() = value;
  }
  return copy;
}

ValueType value_type(const onnx::TypeProto::Tensor& tensor) {
  ValueType value;
  value.type = static_cast<ElementType>(tensor.elem_type());
  if (!tensor.has_shape()) return value;
  value.shape = shape_of(tensor.shape());
  return value;
}

// Of subgraphs too: ONNX does not let them reuse a name of the graph around them.
void collect(const onnx::GraphProto& graph, std::unordered_map<std::string, ValueType>& types) {
  for (const auto* values : {&graph.value_info(), &graph.output(), &graph.input()}) {
    for (const auto& value : *values) {
      if (value.type().has_tensor_type()) types[value.name()] = value_type(value.type().tensor_type());
    }
  }
  for (const auto& tensor : graph.initializer()) types[tensor.name()] = {static_cast<ElementType>(tensor.data_type()), shape_of(tensor)};
  for (const auto& node : graph.node()) {
    for (const auto* body : bodies(node)) collect(*body, types);
  }
}

}  // namespace

bool ValueType::is_static() const {
  return shape && std::none_of(shape->begin(), shape->end(), [](std::int64_t dimension) { return dimension < 0; });
}

ValueTypes::ValueTypes(const onnx::ModelProto& model) {
  onnx::ModelProto copy = skeleton(model);
  try {
    infer_shapes(copy, true);
  } catch (const std::exception&) {
    copy = skeleton(model);
  }
  collect(copy.graph(), values_);
}

const ValueType& ValueTypes::of(const std::string& tensor) const {
  static const ValueType unknown;
  const auto found = values_.find(tensor);
  return found != values_.end() ? found->second : unknown;
}

int ValueTypes::rank(const std::string& tensor) const {
  const auto& shape = of(tensor).shape;
  return shape ? static_cast<int>(shape->size()) : -1;
}

}  // namespace quantize
