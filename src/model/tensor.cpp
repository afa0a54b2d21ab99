#include "model/tensor.h"

#include <onnx/defs/tensor_proto_util.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"

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

float half_to_float(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const float fraction = static_cast<float>(half & 1023);
  const float sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) return fraction != 0 ? std::nanf("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024.0F + fraction, exponent - 25);
}

// Round to nearest even; beyond the largest half is infinity.
std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  if (std::isnan(value)) return sign | 0x7E00;
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return sign | 0x7C00;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int step = std::max(exponent - 11, -24);  // the power of two of the last place
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -step)));
  // `units` counts last places; adding it to the exponent field carries over by itself when rounding reaches the next power of two.
  const std::uint32_t body = units < 1024 ? units : (static_cast<std::uint32_t>(step + 24) << 10) + units;
  return sign | static_cast<std::uint16_t>(body);
}

float bfloat_to_float(std::uint16_t value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16); }

std::uint16_t float_to_bfloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

[[noreturn]] void fail(const Proto& proto, const std::string& what) {
  throw Error(ErrorKind::model, "tensor '" + proto.name() + "' " + what);
}

template <typename Stored, typename Result>
std::vector<Result> read_raw(const Proto& proto, std::size_t count) {
  const std::string& raw = proto.raw_data();
  if (raw.size() != count * sizeof(Stored)) {
    fail(proto, "holds " + std::to_string(raw.size()) + " bytes, its shape " + to_string(shape_of(proto)) + " needs " +
                    std::to_string(count * sizeof(Stored)));
  }
  std::vector<Stored> stored(count);
  if (count != 0) std::memcpy(stored.data(), raw.data(), raw.size());
  return {stored.begin(), stored.end()};
}

template <typename Result, typename Field>
std::vector<Result> read_field(const Proto& proto, const Field& field, std::size_t count) {
  if (static_cast<std::size_t>(field.size()) != count) {
    fail(proto, "holds " + std::to_string(field.size()) + " values, its shape needs " + std::to_string(count));
  }
  return {field.begin(), field.end()};
}

template <typename Stored, typename Result, typename Field>
std::vector<Result> read(const Proto& proto, const Field& field) {
  const auto shape = shape_of(proto);
  for (const auto dimension : shape) {
    if (dimension < 0) fail(proto, "has a negative dimension");
  }
  const auto count = static_cast<std::size_t>(element_count(shape));
  return proto.has_raw_data() ? read_raw<Stored, Result>(proto, count) : read_field<Result>(proto, field, count);
}

// Two values per byte, low nibble first; in int32_data one byte per entry as well.
std::vector<std::int64_t> read_nibbles(const Proto& proto, bool is_signed) {
  const auto count = static_cast<std::size_t>(element_count(shape_of(proto)));
  std::string packed = proto.raw_data();
  if (!proto.has_raw_data()) packed.assign(proto.int32_data().begin(), proto.int32_data().end());
  if (packed.size() != (count + 1) / 2) fail(proto, "has a payload of the wrong size");
  std::vector<std::int64_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int nibble = (static_cast<unsigned char>(packed[i / 2]) >> (4 * (i % 2))) & 15;
    values[i] = is_signed && nibble > 7 ? nibble - 16 : nibble;
  }
  return values;
}

template <typename Result>
std::vector<Result> read_as(const Proto& proto) {
  switch (proto.data_type()) {
    case Proto::FLOAT: return read<float, Result>(proto, proto.float_data());
    case Proto::DOUBLE: return read<double, Result>(proto, proto.double_data());
    case Proto::INT8: return read<std::int8_t, Result>(proto, proto.int32_data());
    case Proto::UINT8: return read<std::uint8_t, Result>(proto, proto.int32_data());
    case Proto::INT16: return read<std::int16_t, Result>(proto, proto.int32_data());
    case Proto::UINT16: return read<std::uint16_t, Result>(proto, proto.int32_data());
    case Proto::INT32: return read<std::int32_t, Result>(proto, proto.int32_data());
    case Proto::BOOL: return read<std::uint8_t, Result>(proto, proto.int32_data());
    case Proto::INT64: return read<std::int64_t, Result>(proto, proto.int64_data());
    case Proto::UINT32: return read<std::uint32_t, Result>(proto, proto.uint64_data());
    case Proto::UINT64: return read<std::uint64_t, Result>(proto, proto.uint64_data());
    case Proto::INT4:
    case Proto::UINT4: {
      const auto values = read_nibbles(proto, proto.data_type() == Proto::INT4);
      return {values.begin(), values.end()};
    }
    default: fail(proto, "has the element type " + type_name(static_cast<ElementType>(proto.data_type())) + ", a number was expected");
  }
}

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
  std::string name = onnx::TensorProto::DataType_Name(type);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.empty() ? "type " + std::to_string(type) : name;
}

std::size_t element_size(ElementType type) {
  switch (type) {
    case Proto::BOOL:
    case Proto::INT8:
    case Proto::UINT8: return 1;
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::INT16:
    case Proto::UINT16: return 2;
    case Proto::FLOAT:
    case Proto::INT32:
    case Proto::UINT32: return 4;
    case Proto::DOUBLE:
    case Proto::INT64:
    case Proto::UINT64: return 8;
    default: return 0;
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

#define QUANTIZE_INSTANTIATE(T)                  \
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

std::vector<float> float_values(const Proto& proto) {
  const auto halves = [&](auto convert) {
    const auto bits = read<std::uint16_t, std::uint16_t>(proto, proto.int32_data());
    std::vector<float> values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(), convert);
    return values;
  };
  if (proto.data_type() == Proto::FLOAT16) return halves(half_to_float);
  if (proto.data_type() == Proto::BFLOAT16) return halves(bfloat_to_float);
  return read_as<float>(proto);
}

std::vector<float> float_values(const Tensor& tensor) {
  if (tensor.type == Proto::FLOAT) {
    const auto values = tensor.as<float>();
    return {values.begin(), values.end()};
  }
  return float_values(to_proto("", tensor));
}

std::vector<std::int64_t> int_values(const Proto& proto) { return read_as<std::int64_t>(proto); }

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
    case Proto::INT8: append_raw<std::int8_t>(proto, values); break;
    case Proto::UINT8: append_raw<std::uint8_t>(proto, values); break;
    case Proto::INT16: append_raw<std::int16_t>(proto, values); break;
    case Proto::UINT16: append_raw<std::uint16_t>(proto, values); break;
    case Proto::INT32: append_raw<std::int32_t>(proto, values); break;
    case Proto::INT4:
    case Proto::UINT4: {
      std::string packed((values.size() + 1) / 2, '\0');
      for (std::size_t i = 0; i < values.size(); ++i) {
        packed[i / 2] = static_cast<char>(static_cast<unsigned char>(packed[i / 2]) | ((values[i] & 15) << (4 * (i % 2))));
      }
      proto.set_raw_data(packed);
      break;
    }
    default: throw Error(ErrorKind::internal, "no integer tensor of type " + type_name(type));
  }
  return proto;
}

Proto make_float_tensor(const std::string& name, const Shape& shape, ElementType type, std::span<const float> values) {
  Proto proto = header(name, shape, type);
  switch (type) {
    case Proto::FLOAT: proto.set_raw_data(values.data(), values.size_bytes()); break;
    case Proto::DOUBLE: append_raw<double>(proto, values, [](float value) { return static_cast<double>(value); }); break;
    case Proto::FLOAT16: append_raw<std::uint16_t>(proto, values, float_to_half); break;
    case Proto::BFLOAT16: append_raw<std::uint16_t>(proto, values, float_to_bfloat); break;
    default: throw Error(ErrorKind::internal, "no float tensor of type " + type_name(type));
  }
  return proto;
}

Proto to_proto(const std::string& name, const Tensor& tensor) {
  Proto proto = header(name, tensor.shape, tensor.type);
  proto.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  return proto;
}

Tensor from_proto(const Proto& proto) {
  const auto type = static_cast<ElementType>(proto.data_type());
  Tensor tensor = Tensor::zeros(type, shape_of(proto));
  const auto fill = [&](const auto& values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    std::copy(values.begin(), values.end(), tensor.as<T>().begin());
  };
  if (proto.has_raw_data()) {
    if (proto.raw_data().size() != tensor.bytes.size()) fail(proto, "has a payload of the wrong size");
    if (!tensor.bytes.empty()) std::memcpy(tensor.bytes.data(), proto.raw_data().data(), tensor.bytes.size());
  } else if (type == Proto::FLOAT) {
    fill(read_as<float>(proto));
  } else if (type == Proto::DOUBLE) {
    fill(read_as<double>(proto));
  } else if (type == Proto::INT64) {
    fill(read_as<std::int64_t>(proto));
  } else if (type == Proto::INT32) {
    fill(read_as<std::int32_t>(proto));
  } else {
    fail(proto, "of type " + type_name(type) + " stores its values in a form that is not supported here");
  }
  return tensor;
}

}  // namespace quantize
