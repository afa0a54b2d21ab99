#include "prepare/raise_step.h"

namespace quantize {

std::string RaiseStep::constant(const std::string& owner, const std::string& role, const Shape& shape,
                                const std::vector<std::int64_t>& values) {
  std::string name = names_->unique(owner + "_" + role);
  *graph_->add_initializer() = make_tensor(name, shape, values);
  return name;
}

std::string RaiseStep::constant(const std::string& owner, const std::string& role, const Shape& shape, ElementType type,
                                const std::vector<float>& values) {
  std::string name = names_->unique(owner + "_" + role);
  *graph_->add_initializer() = make_float_tensor(name, shape, type, values);
  return name;
}

const onnx::TensorProto* RaiseStep::find_constant(const std::string& tensor) const { return find_initializer(*graph_, tensor); }

}  // namespace quantize
