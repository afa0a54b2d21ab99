// Element types and shapes of every tensor of a graph, as far as they follow from the model's inputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <unordered_map>

#include "model/tensor.h"

namespace quantize {

struct ValueType {
  ElementType type = onnx::TensorProto::UNDEFINED;
  std::optional<Shape> shape;  // nothing: not even the rank is known; -1: this dimension is not known

  [[nodiscard]] bool is_static() const;
};

class ValueTypes {
 public:
  // ONNX's shape inference over a copy of the graph without its weights' payload. What the file claims about inner tensors and about the
  // shapes of its outputs is not believed where inference can tell (exporters leave wrong ones behind); a graph that inference rejects
  // gives what is known without it.
  explicit ValueTypes(const onnx::ModelProto& model);

  // An empty ValueType where nothing is known.
  [[nodiscard]] const ValueType& of(const std::string& tensor) const;
  // -1 where the rank is not known.
  [[nodiscard]] int rank(const std::string& tensor) const;
  [[nodiscard]] const std::unordered_map<std::string, ValueType>& all() const { return values_; }

 private:
  std::unordered_map<std::string, ValueType> values_;
};

}  // namespace quantize
