#include "encode/known_tensors.h"

#include <onnx/shape_inference/implementation.h>

#include <algorithm>

namespace quantize {

KnownTensors known_tensors(const Model& model) {
  onnx::ModelProto typed = copy_without_payloads(model.proto, 4096);  // inference needs types and dimensions, and small tensors' values
  try {
    onnx::shape_inference::InferShapes(typed);
  } catch (const std::exception&) {
    // Partial types are as good as it gets.
  }
  KnownTensors known;
  const auto collect = [&](const auto& values) {
    for (const auto& value : values) {
      const auto type = value.type().tensor_type().elem_type();
      if (type == onnx::TensorProto::FLOAT) known.floats.insert(value.name());
      if (type == onnx::TensorProto::UINT8) known.bytes.insert(value.name());
      const auto& dims = value.type().tensor_type().shape().dim();
      const bool sized = dims.size() == 4 && std::all_of(dims.begin() + 1, dims.end(), [](const auto& dim) { return dim.dim_value() > 0; });
      if (sized) known.images.insert(value.name());
    }
  };
  collect(typed.graph().input());
  collect(typed.graph().output());
  collect(typed.graph().value_info());
  for (const auto& tensor : typed.graph().initializer()) {
    if (tensor.data_type() == onnx::TensorProto::FLOAT) known.floats.insert(tensor.name());
  }
  return known;
}

}  // namespace quantize
