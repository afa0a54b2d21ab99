// Local functions, as torch.onnx and onnxscript write them, become the nodes of their bodies: no later pass looks into a function.
#include <onnx/inliner/inliner.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "model/edit.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

// Those of the operators that come out of the functions, which only these may import.
void import_domains_of_functions(onnx::ModelProto& model) {
  std::set<std::string> known;
  for (const auto& import : model.opset_import()) known.insert(import.domain());
  if (known.contains("") || known.contains("ai.onnx")) known.insert({"", "ai.onnx"});
  for (const auto& function : model.functions()) known.insert(function.domain());
  for (const auto& function : model.functions()) {
    for (const auto& import : function.opset_import()) {
      if (known.insert(import.domain()).second) import_domain(model, import.domain(), import.version());
    }
  }
}

bool has_bodies_of_another_opset(const onnx::ModelProto& model) {
  return std::ranges::any_of(model.functions(), [&](const onnx::FunctionProto& function) {
    return std::ranges::any_of(function.opset_import(), [&](const onnx::OperatorSetIdProto& import) {
      return (import.domain().empty() || import.domain() == "ai.onnx") && import.version() != opset_of(model);
    });
  });
}

// The types of what functions read and make, by which the inliner takes a body of another opset to the model's.
void declare_types_of_calls(onnx::ModelProto& model) {
  const ValueTypes types(model);
  std::set<std::string> called, declared;
  for (const auto& function : model.functions()) called.insert(function.domain() + "." + function.name());
  auto& graph = *model.mutable_graph();
  for (const auto* values : {&graph.input(), &graph.output(), &graph.value_info()}) {
    for (const auto& value : *values) declared.insert(value.name());
  }
  for (const auto& tensor : graph.initializer()) declared.insert(tensor.name());  // says itself what it is
  for (const auto& node : graph.node()) {
    if (!called.contains(node.domain() + "." + node.op_type())) continue;
    for (const auto* names : {&node.input(), &node.output()}) {
      for (const auto& name : *names) {
        const auto type = types.of(name).type;
        if (type == onnx::TensorProto::UNDEFINED || !declared.insert(name).second) continue;
        auto& value = *graph.add_value_info();
        value.set_name(name);
        value.mutable_type()->mutable_tensor_type()->set_elem_type(type);
      }
    }
  }
}

}  // namespace

std::string inline_functions(Model& model) {
  const int before = model.proto.functions_size();
  if (before == 0) return {};
  import_domains_of_functions(model.proto);
  if (has_bodies_of_another_opset(model.proto)) declare_types_of_calls(model.proto);
  try {
    onnx::inliner::InlineLocalFunctions(model.proto, true);  // bodies of another opset become those of the model's
  } catch (const std::exception& error) {
    throw Error(ErrorKind::verification, std::string("the model's local functions cannot be inlined: ") + error.what());
  }
  const auto inlined = static_cast<std::size_t>(before - model.proto.functions_size());
  if (inlined > 0) unpack_constants(model);
  return counted(inlined, "function", "functions");
}

}  // namespace quantize
