#include "model/complete.h"

#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <exception>
#include <set>
#include <string>

#include "model/edit.h"
#include "model/graph.h"
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
    onnx::shape_inference::InferShapes(copy);
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

// GroupNormalization of opset 18, which every runtime still has. In the copy it belongs to a domain the checker does not know.
void hide_deprecated(onnx::GraphProto& graph, int opset, bool& any) {
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) hide_deprecated(*body, opset, any);
    if (!standard_domain(node)) continue;
    const auto* schema = onnx::OpSchemaRegistry::Schema(node.op_type(), opset, onnx::ONNX_DOMAIN);
    if (schema == nullptr || !schema->deprecated()) continue;
    node.set_domain("deprecated");
    any = true;
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
  bool any = false;
  hide_deprecated(*copy.mutable_graph(), static_cast<int>(opset_of(model)), any);
  if (any) import_domain(copy, "deprecated");
  return copy;
}

}  // namespace quantize
