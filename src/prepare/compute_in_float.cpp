// A model in half or double precision is computed in float: the type in which weights are fitted and in which the integer kernels answer.
// Its inputs and outputs keep their types.
//
//   BEFORE  y = Conv (x, W)                      x, W and y half
//   AFTER   a = Cast <float> (x);  b = Conv (a, W');  y = Cast <half> (b)
#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

bool is_other_float(int type) { return type == Proto::FLOAT16 || type == Proto::DOUBLE || type == Proto::BFLOAT16; }

// Whether a weight is of another float type, so that the model has something to gain.
bool has_other_weights(const Model& model) {
  const ValueTypes types(model.proto);
  return std::any_of(model.graph().node().begin(), model.graph().node().end(), [&](const auto& node) {
    return may_be_weighted(node.op_type()) && node.input_size() > 1 && is_other_float(types.of(node.input(1)).type);
  });
}

// Infinity itself, such as an attention mask holds, is a float.
bool overflows_float(const Proto& tensor) {
  const auto values = double_values(tensor);
  return std::any_of(values.begin(), values.end(),
                     [](double value) { return std::isfinite(value) && !std::isfinite(static_cast<float>(value)); });
}

void widen(Proto& tensor) {
  if (!is_other_float(tensor.data_type())) return;
  const auto values = float_values(tensor);
  if (tensor.data_type() == Proto::DOUBLE && overflows_float(tensor))
    throw Error(ErrorKind::model, "tensor '" + tensor.name() + "' holds values that float cannot");
  tensor = make_float_tensor(tensor.name(), shape_of(tensor), Proto::FLOAT, values);
}

void widen(onnx::ValueInfoProto& value) {
  auto* type = value.mutable_type();
  if (type->has_tensor_type() && is_other_float(type->tensor_type().elem_type())) type->mutable_tensor_type()->set_elem_type(Proto::FLOAT);
}

void widen(onnx::NodeProto& node);

// All but the inputs and outputs.
void widen_inside(onnx::GraphProto& graph) {
  for (auto& tensor : *graph.mutable_initializer()) widen(tensor);
  for (auto& value : *graph.mutable_value_info()) widen(value);
  for (auto& node : *graph.mutable_node()) widen(node);
}

void widen_body(onnx::GraphProto& body) {
  widen_inside(body);
  for (auto* values : {body.mutable_input(), body.mutable_output()}) {
    for (auto& value : *values) widen(value);
  }
}

void widen(onnx::NodeProto& node) {
  for (auto& attribute : *node.mutable_attribute()) {
    const auto& name = attribute.name();
    const bool names_a_type = name == "dtype" || name == "output_datatype" || (name == "to" && node.op_type() == "Cast");
    if (names_a_type && is_other_float(static_cast<int>(attribute.i()))) attribute.set_i(Proto::FLOAT);
    if (attribute.has_t()) widen(*attribute.mutable_t());
  }
  for (auto* body : mutable_bodies(node)) widen_body(*body);
}

onnx::NodeProto cast(const std::string& from, const std::string& to, int type) {
  auto node = make_node("Cast", std::vector{from}, std::vector{to});
  set_attribute(node, "to", std::int64_t{type});
  return node;
}

// The type of a value of the model's interface that needs a Cast; 0 where none.
int foreign_type(const onnx::ValueInfoProto& value) {
  const int type = value.type().tensor_type().elem_type();
  return value.type().has_tensor_type() && is_other_float(type) ? type : 0;
}

// An output is made under another name and cast at the end, a weight that is one as well; whoever reads it inside reads the float. What is
// an input, too, is handed through as it is.
void cast_outputs(onnx::GraphProto& graph, NameMaker& names, std::vector<onnx::NodeProto>& casts) {
  std::set<std::string> inputs;
  for (const auto* input : fed_inputs(graph)) inputs.insert(input->name());
  for (const auto& output : graph.output()) {
    const int type = foreign_type(output);
    if (type == 0 || inputs.contains(output.name())) continue;
    const std::string inner = names.unique(output.name() + "_as_float");
    if (auto* tensor = find_initializer(graph, output.name())) tensor->set_name(inner);
    for (auto& node : *graph.mutable_node()) {
      std::replace(node.mutable_output()->begin(), node.mutable_output()->end(), output.name(), inner);
    }
    replace_uses(graph, output.name(), inner);
    casts.push_back(cast(inner, output.name(), type));
  }
}

void cast_interface(onnx::GraphProto& graph) {
  NameMaker names(graph);
  std::vector<onnx::NodeProto> before, after;
  cast_outputs(graph, names, after);
  for (const auto* input : fed_inputs(graph)) {
    const int type = foreign_type(*input);
    if (type == 0) continue;
    const std::string inner = names.unique(input->name() + "_as_float");
    replace_uses(graph, input->name(), inner);
    before.push_back(cast(input->name(), inner, Proto::FLOAT));
  }
  before.insert(before.end(), graph.node().begin(), graph.node().end());
  before.insert(before.end(), after.begin(), after.end());
  set_nodes(graph, std::move(before));
}

}  // namespace

std::string compute_in_float(Model& model) {
  if (!has_other_weights(model)) return {};
  auto& graph = model.graph();
  std::size_t tensors = 0;
  for (const auto& tensor : graph.initializer()) tensors += static_cast<std::size_t>(is_other_float(tensor.data_type()));
  widen_inside(graph);
  for (auto& function : *model.proto.mutable_functions()) {
    for (auto& node : *function.mutable_node()) widen(node);
  }
  cast_interface(graph);
  return counted(tensors, "tensor", "tensors") + " in float";
}

}  // namespace quantize
