#include "rewrite/qdq_writer.h"

#include "model/attribute.h"

namespace quantize {

onnx::NodeProto& QdqWriter::add(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
  return *graph_.add_node() = make_node(type, inputs, {&output, 1});
}

std::string QdqWriter::scale(const std::vector<float>& values) {
  return scale(values, values.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(values.size())});
}

std::string QdqWriter::scale(const std::vector<float>& values, const Shape& shape) {
  auto& name = scales_[{values, shape}];
  if (name.empty()) {
    name = names_.unique("s" + std::to_string(scales_.size()));
    put_initializer(graph_, make_tensor(name, shape, values));
  }
  return name;
}

std::string QdqWriter::zero(const Encoding& encoding) {
  auto& name = zeros_[{encoding.type, encoding.zero_point}];
  if (name.empty()) {
    name = names_.unique("z" + std::to_string(zeros_.size()));
    const std::size_t count = encoding.zero_point.size();
    const Shape shape = count == 1 ? Shape{} : Shape{static_cast<std::int64_t>(count)};
    put_initializer(graph_, make_tensor(name, shape, encoding.type, encoding.zero_point));
  }
  return name;
}

std::string QdqWriter::dequantized(onnx::TensorProto integers, const std::string& scale, int axis, const std::string& zero, int block) {
  std::string output = names_.unique("d" + integers.name());
  auto& node = add("DequantizeLinear", {integers.name(), scale}, output);
  if (!zero.empty()) node.add_input(zero);
  const bool per_slice = find_initializer(graph_, scale)->dims_size() > 0;
  if (per_slice && axis != 1) set_attribute(node, "axis", std::int64_t{axis});  // 1 is the default
  if (block > 0) set_attribute(node, "block_size", std::int64_t{block});
  *graph_.add_initializer() = std::move(integers);
  return output;
}

}  // namespace quantize
