// A tensor as a plain value, and the only code that reads or writes the payload of onnx::TensorProto.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quantize {

using ElementType = onnx::TensorProto::DataType;
using Shape = std::vector<std::int64_t>;

// Product of the dimensions; 1 for a scalar.
std::int64_t element_count(std::span<const std::int64_t> shape);
// "1x3x360x480"; "scalar" for rank 0.
std::string to_string(std::span<const std::int64_t> shape);
// "float", "int8", ...: ONNX's own spelling in lower case.
std::string type_name(ElementType type);
// float, double, or one of the two halves.
bool is_float(ElementType type);
// Bytes per element; 0 for strings and types narrower than a byte.
std::size_t element_size(ElementType type);

// Dense, row-major, on the heap.
struct Tensor {
  ElementType type = onnx::TensorProto::FLOAT;
  Shape shape;
  std::vector<std::byte> bytes;

  static Tensor zeros(ElementType type, Shape shape);
  static Tensor of(Shape shape, std::span<const float> values);
  [[nodiscard]] std::int64_t size() const { return element_count(shape); }
  // Views of the payload; the element type must be T's (checked: Error{internal}).
  template <typename T>
  [[nodiscard]] std::span<const T> as() const;
  template <typename T>
  [[nodiscard]] std::span<T> as();
};

Shape shape_of(const onnx::TensorProto& proto);
// As a model declares it; -1 where a dimension is left free.
Shape shape_of(const onnx::TensorShapeProto& declared);
// Whether a dimension behind the first, which is the batch, is left free.
bool is_free_behind_batch(const Shape& shape);
// Any float type (float, double, float16, bfloat16) or integer type, as float. Throws Error{model} naming the tensor for other types and
// bad payloads.
std::vector<float> float_values(const onnx::TensorProto& proto);
std::vector<float> float_values(const Tensor& tensor);
// Any integer type, as int64.
std::vector<std::int64_t> int_values(const onnx::TensorProto& proto);

onnx::TensorProto make_tensor(const std::string& name, const Shape& shape, std::span<const float> values);
onnx::TensorProto make_tensor(const std::string& name, const Shape& shape, std::span<const std::int64_t> values);
// `values` stored as the integer type `type` (int4 and uint4 packed two per byte, low nibble first, as ONNX defines them).
onnx::TensorProto make_tensor(const std::string& name, const Shape& shape, ElementType type, std::span<const std::int32_t> values);
// `values` stored in the float type `type` (float, double, float16, bfloat16).
onnx::TensorProto make_float_tensor(const std::string& name, const Shape& shape, ElementType type, std::span<const float> values);

onnx::TensorProto to_proto(const std::string& name, const Tensor& tensor);
Tensor from_proto(const onnx::TensorProto& proto);

}  // namespace quantize
