#include "encode/known_tensors.h"

#include <algorithm>

#include "prepare/value_types.h"

namespace quantize {

KnownTensors known_tensors(const Model& model) {
  const ValueTypes types(model.proto);
  KnownTensors known;
  for (const auto& [name, value] : types.all()) {
    if (value.type == onnx::TensorProto::FLOAT) known.floats.insert(name);
    if (value.type == onnx::TensorProto::UINT8) known.bytes.insert(name);
    const bool sized = value.shape && value.shape->size() == 4 &&
                       std::all_of(value.shape->begin() + 1, value.shape->end(), [](std::int64_t dimension) { return dimension > 0; });
    if (sized) known.images.insert(name);
  }
  return known;
}

}  // namespace quantize
