#include "run/taps.h"

#include <set>

namespace quantize {

onnx::ModelProto with_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors) {
  onnx::ModelProto tapped = model;
  std::set<std::string> present;
  for (const auto& output : model.graph().output()) present.insert(output.name());
  for (const auto& name : tensors) {
    if (present.insert(name).second) tapped.mutable_graph()->add_output()->set_name(name);  // ONNX Runtime infers the type
  }
  return tapped;
}

}  // namespace quantize
