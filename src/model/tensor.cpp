#include "model/tensor.h"

#include <onnx/defs/tensor_proto_util.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/lower_case.h"
#include "model/half.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

static_assert(std::endian::native == std::endian::little, "TensorProto.raw_data is little endian and copied as it is");

template <typename T>
constexpr ElementType type_of = Proto::UNDEFINED;
template <>
constexpr ElementType type_of<float> = Proto::FLOAT;
template <>
constexpr ElementType type_of<double> = Proto::DOUBLE;
template <>
constexpr ElementType type_of<std::int8_t> = Proto::INT8;
template <>
constexpr ElementType type_of<std::uint8_t> = Proto::UINT8;
template <>
constexpr ElementType type_of<std::int16_t> = Proto::INT16;
template <>
constexpr ElementType type_of<std::uint16_t> = Proto::UINT16;
template <>
constexpr ElementType type_of<std::int32_t> = Proto::INT32;
template <>
constexpr ElementType type_of<std::uint32_t> = Proto::UINT32;
template <>
constexpr ElementType type_of<std::int64_t> = Proto::INT64;
template <>
constexpr ElementType type_of<std::uint64_t> = Proto::UINT64;

template <typename Stored, typename Value, typename Convert>
void append_raw(Proto& proto, std::span<const Value> values, Convert convert) {
  std::vector<Stored> stored(values.size());
  std::transform(values.begin(), values.end(), stored.begin(), convert);
  proto.set_raw_data(stored.data(), stored.size() * sizeof(Stored));
}

template <typename Stored>
void append_raw(Proto& proto, std::span<const std::int32_t> values) {
  append_raw<Stored>(proto, values, [](std::int32_t value) { return static_cast<Stored>(value); });
}

Proto header(const std::string& name, const Shape& shape, ElementType type) {
  Proto proto;
  proto.set_name(name);
  proto.set_data_type(type);
  for (const auto dimension : shape) proto.add_dims(dimension);
  return proto;
}

}  // namespace

std::int64_t element_count(std::span<const std::int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::string to_string(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const auto dimension : shape) {
    if (!text.empty()) text += 'x';
    text += dimension < 0 ? "?" : std::to_string(dimension);
  }
  return text;
}

std::string type_name(ElementType type) {
  const std::string name = lower_case(onnx::TensorProto::DataType_Name(type));
  return name.empty() ? "type " + std::to_string(type) : name;
}

bool is_float(ElementType type) {
  return type == Proto::FLOAT || type == Proto::DOUBLE || type == Proto::FLOAT16 || type == Proto::BFLOAT16;
}

std::size_t element_size(ElementType type) {
  switch (type) {
    case Proto::BOOL:
    case Proto::INT8:
    case Proto::UINT8:
      return 1;
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::INT16:
    case Proto::UINT16:
      return 2;
    case Proto::FLOAT:
    case Proto::INT32:
    case Proto::UINT32:
      return 4;
    case Proto::DOUBLE:
    case Proto::INT64:
    case Proto::UINT64:
      return 8;
    default:
      return 0;
  }
}

Tensor Tensor::zeros(ElementType type, Shape shape) {
  const auto count = static_cast<std::size_t>(element_count(shape)) * element_size(type);
  return {type, std::move(shape), std::vector<std::byte>(count)};
}

Tensor Tensor::of(Shape shape, std::span<const float> values) {
  if (element_count(shape) != static_cast<std::int64_t>(values.size())) throw Error(ErrorKind::internal, "tensor shape and values differ");
  const auto bytes = std::as_bytes(values);
  return {Proto::FLOAT, std::move(shape), {bytes.begin(), bytes.end()}};
}

template <typename T>
std::span<const T> Tensor::as() const {
  if (type != type_of<T>) throw Error(ErrorKind::internal, "a " + type_name(type) + " tensor was read as another type");
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <typename T>
std::span<T> Tensor::as() {
  if (type != type_of<T>) throw Error(ErrorKind::internal, "a " + type_name(type) + " tensor was read as another type");
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

#define QUANTIZE_INSTANTIATE(T)                   \
  template std::span<const T> Tensor::as() const; \
  template std::span<T> Tensor::as();
QUANTIZE_INSTANTIATE(float)
QUANTIZE_INSTANTIATE(double)
QUANTIZE_INSTANTIATE(std::int8_t)
QUANTIZE_INSTANTIATE(std::uint8_t)
QUANTIZE_INSTANTIATE(std::int16_t)
QUANTIZE_INSTANTIATE(std::uint16_t)
QUANTIZE_INSTANTIATE(std::int32_t)
QUANTIZE_INSTANTIATE(std::uint32_t)
QUANTIZE_INSTANTIATE(std::int64_t)
QUANTIZE_INSTANTIATE(std::uint64_t)
#undef QUANTIZE_INSTANTIATE

Shape shape_of(const Proto& proto) { return {proto.dims().begin(), proto.dims().end()}; }

Shape shape_of(const onnx::TensorShapeProto& declared) {
  Shape shape;
  for (const auto& dimension : declared.dim()) shape.push_back(dimension.has_dim_value() ? dimension.dim_value() : -1);
  return shape;
}

bool is_free_behind_batch(const Shape& shape) {
  return std::ranges::any_of(std::span(shape).subspan(shape.empty() ? 0 : 1), [](std::int64_t dimension) { return dimension < 0; });
}

Proto make_tensor(const std::string& name, const Shape& shape, std::span<const float> values) {
  return make_float_tensor(name, shape, Proto::FLOAT, values);
}

Proto make_tensor(const std::string& name, const Shape& shape, std::span<const std::int64_t> values) {
  Proto proto = header(name, shape, Proto::INT64);
  proto.set_raw_data(values.data(), values.size_bytes());
  return proto;
}

Proto make_tensor(const std::string& name, const Shape& shape, ElementType type, std::span<const std::int32_t> values) {
  Proto proto = header(name, shape, type);
  switch (type) {
    case Proto::INT8:
      append_raw<std::int8_t>(proto, values);
      break;
    case Proto::UINT8:
      append_raw<std::uint8_t>(proto, values);
      break;
    case Proto::INT16:
      append_raw<std::int16_t>(proto, values);
      break;
    case Proto::UINT16:
      append_raw<std::uint16_t>(proto, values);
      break;
    case Proto::INT32:
      append_raw<std::int32_t>(proto, values);
      break;
    case Proto::INT4:
    case Proto::UINT4: {
      std::string packed((values.size() + 1) / 2, '\0');
      for (std::size_t i = 0; i < values.size(); ++i) {
        packed[i / 2] = static_cast<char>(static_cast<unsigned char>(packed[i / 2]) | ((values[i] & 15) << (4 * (i % 2))));
      }
      proto.set_raw_data(packed);
      break;
    }
    default:
      throw Error(ErrorKind::internal, "no integer tensor of type " + type_name(type));
  }
  return proto;
}

Proto make_float_tensor(const std::string& name, const Shape& shape, ElementType type, std::span<const float> values) {
  Proto proto = header(name, shape, type);
  switch (type) {
    case Proto::FLOAT:
      proto.set_raw_data(values.data(), values.size_bytes());
      break;
    case Proto::DOUBLE:
      append_raw<double>(proto, values, [](float value) { return static_cast<double>(value); });
      break;
    case Proto::FLOAT16:
      append_raw<std::uint16_t>(proto, values, float_to_half);
      break;
    case Proto::BFLOAT16:
      append_raw<std::uint16_t>(proto, values, float_to_bfloat);
      break;
    default:
      throw Error(ErrorKind::internal, "no float tensor of type " + type_name(type));
  }
  return proto;
}

Proto to_proto(const std::string& name, const Tensor& tensor) {
  Proto proto = header(name, tensor.shape, tensor.type);
  proto.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  return proto;
}

}  // namespace quantize
