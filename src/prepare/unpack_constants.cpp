// Constant nodes, in whatever form the value is written, become initializers of the same name, so that later passes look in one place.
//
//   BEFORE  w = Constant <value = ...> ();  y = Conv (x, w)
//   AFTER   y = Conv (x, w)                 with initializer w
#include <optional>
#include <set>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

onnx::TensorProto strings(const std::string& name, const Shape& shape, const std::vector<std::string>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::STRING);
  for (const auto dimension : shape) tensor.add_dims(dimension);
  for (const auto& value : values) tensor.add_string_data(value);
  return tensor;
}

// Nothing where the value is sparse; such a node stays.
std::optional<onnx::TensorProto> constant_value(const onnx::NodeProto& node) {
  if (node.attribute_size() != 1) return {};
  const auto& attribute = node.attribute(0);
  const std::string& form = attribute.name();
  const std::string& name = node.output(0);
  const auto length = [](const auto& field) { return Shape(1, field.size()); };
  if (form == "value" && attribute.has_t()) {
    onnx::TensorProto tensor = attribute.t();
    tensor.set_name(name);
    return tensor;
  }
  if (form == "value_float") return make_tensor(name, {}, std::vector<float>{attribute.f()});
  if (form == "value_int") return make_tensor(name, {}, std::vector<std::int64_t>{attribute.i()});
  if (form == "value_string") return strings(name, {}, {attribute.s()});
  if (form == "value_floats")
    return make_tensor(name, length(attribute.floats()), std::vector<float>{attribute.floats().begin(), attribute.floats().end()});
  if (form == "value_ints")
    return make_tensor(name, length(attribute.ints()), std::vector<std::int64_t>{attribute.ints().begin(), attribute.ints().end()});
  if (form == "value_strings") return strings(name, length(attribute.strings()), {attribute.strings().begin(), attribute.strings().end()});
  return {};
}

bool is_standard_constant(const onnx::NodeProto& node) {
  return node.op_type() == "Constant" && standard_domain(node) && node.output_size() == 1;
}

}  // namespace

std::string unpack_constants(Model& model) {
  auto& graph = model.graph();
  std::set<std::string> outputs;
  for (const auto& output : graph.output()) outputs.insert(output.name());
  std::set<int> unpacked;
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    // A constant that is an output of the model keeps its node: few runtimes expect an initializer there.
    if (!is_standard_constant(node) || outputs.contains(node.output(0))) continue;
    auto value = constant_value(node);
    if (!value) continue;
    *graph.add_initializer() = std::move(*value);
    unpacked.insert(i);
  }
  if (unpacked.empty()) return {};
  remove_nodes(graph, unpacked);
  drop_claims_about_initializers(graph);
  return counted(unpacked.size(), "constant", "constants");
}

}  // namespace quantize
