#include "model/complete.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <exception>
#include <set>
#include <string>

#include "model/edit.h"
#include "model/graph.h"
#include "model/infer_shapes.h"
#include "model/large_weights.h"
#include "model/model.h"
#include "model/payload.h"

namespace quantize {
namespace {

constexpr std::int64_t first_without_weights_as_inputs = 4;  // IR version

void name_graphs(onnx::GraphProto& graph) {
  if (graph.name().empty()) graph.set_name("graph");
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) name_graphs(*body);
  }
}

void collect_domains(const onnx::GraphProto& graph, std::set<std::string>& domains) {
  for (const auto& node : graph.node()) {
    if (!standard_domain(node)) domains.insert(node.domain());
    for (const auto* body : bodies(node)) collect_domains(*body, domains);
  }
}

void import_missing_domains(onnx::ModelProto& model) {
  std::set<std::string> missing;
  collect_domains(model.graph(), missing);
  for (const auto& import : model.opset_import()) missing.erase(import.domain());
  for (const auto& domain : missing) import_domain(model, domain);
}

bool is_untyped(const onnx::ValueInfoProto& value) {
  const auto& type = value.type();
  return type.value_case() == onnx::TypeProto::VALUE_NOT_SET || (type.has_tensor_type() && type.tensor_type().elem_type() == 0);
}

// The model as inference sees it, its untyped outputs with the types that follow; some without, where inference gives up.
onnx::ModelProto inferred(const onnx::ModelProto& model) {
  auto copy = copy_without_payloads(model, 4096);
  copy.set_ir_version(std::max(copy.ir_version(), first_without_weights_as_inputs));
  copy.mutable_graph()->clear_value_info();
  for (auto& output : *copy.mutable_graph()->mutable_output()) {
    if (is_untyped(output)) output.clear_type();
  }
  try {
    infer_shapes(copy, false);
  } catch (const std::exception&) {  // the others are as good as it gets
  }
  return copy;
}

void type_outputs(onnx::ModelProto& model) {
  auto& outputs = *model.mutable_graph()->mutable_output();
  if (std::none_of(outputs.begin(), outputs.end(), is_untyped)) return;
  const auto typed = inferred(model);
  for (int i = 0; i < outputs.size(); ++i) {
    if (is_untyped(outputs.Get(i)) && !is_untyped(typed.graph().output(i))) *outputs.Mutable(i) = typed.graph().output(i);
  }
}

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using Imports = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;

void import_hidden(Imports& imports) {
  auto& import = *imports.Add();
  import.set_domain("hidden");
  import.set_version(1);
}

// In the copy they belong to a domain that the checker does not know. Returns whether there are any.
template <typename Predicate>
bool hide(Nodes& nodes, Predicate is_hidden) {
  bool any = false;
  for (auto& node : nodes) {
    for (auto* body : mutable_bodies(node)) any |= hide(*body->mutable_node(), is_hidden);
    if (!standard_domain(node) || !is_hidden(node)) continue;
    node.set_domain("hidden");
    any = true;
  }
  return any;
}

// GroupNormalization of opset 18, which every runtime still has.
void hide_deprecated(onnx::ModelProto& model) {
  const auto opset = static_cast<int>(opset_of(model));
  const auto is_deprecated = [&](const onnx::NodeProto& node) {
    const auto* schema = onnx::OpSchemaRegistry::Schema(node.op_type(), opset, onnx::ONNX_DOMAIN);
    return schema != nullptr && schema->deprecated();
  };
  if (hide(*model.mutable_graph()->mutable_node(), is_deprecated)) import_hidden(*model.mutable_opset_import());
}

// The checker wants the operators of a local function to be of the same version in the model's opset; ONNX Runtime runs others, too.
void hide_other_opsets(onnx::ModelProto& model) {
  for (auto& function : *model.mutable_functions()) {
    onnx::ModelProto imports;
    *imports.mutable_opset_import() = function.opset_import();
    if (opset_of(imports) == opset_of(model)) continue;
    if (hide(*function.mutable_node(), [](const onnx::NodeProto&) { return true; })) import_hidden(*function.mutable_opset_import());
  }
}

}  // namespace

void complete(onnx::ModelProto& model) {
  name_graphs(*model.mutable_graph());
  import_missing_domains(model);
  type_outputs(model);
}

onnx::ModelProto accepted_by_checker(const onnx::ModelProto& model) {
  auto copy = copy_without_payloads(model, 4096, [](onnx::TensorProto& tensor, const onnx::TensorProto& original) {
    if (has_raw_payload(original)) {
      tensor.set_raw_data("0");  // some value, so that it counts as one
    } else {
      tensor = original;
    }
  });
  if (copy.ir_version() == first_without_weights_as_inputs - 1) copy.set_ir_version(first_without_weights_as_inputs);
  for (auto& output : *copy.mutable_graph()->mutable_output()) {
    if (is_untyped(output)) output.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    if (output.type().has_tensor_type()) output.mutable_type()->mutable_tensor_type()->mutable_shape();
  }
  hide_deprecated(copy);
  hide_other_opsets(copy);
  return copy;
}

}  // namespace quantize
