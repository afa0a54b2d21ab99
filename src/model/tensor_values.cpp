#include <cstring>

#include "base/error.h"
#include "model/half.h"
#include "model/payload.h"
#include "model/tensor.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

[[noreturn]] void fail(const Proto& proto, const std::string& what) {
  throw Error(ErrorKind::model, "tensor '" + proto.name() + "' " + what);
}

template <typename Stored, typename Result>
std::vector<Result> read_raw(const Proto& proto, std::size_t count) {
  const Payload payload(proto);
  const auto raw = payload.bytes();
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
  return has_raw_payload(proto) ? read_raw<Stored, Result>(proto, count) : read_field<Result>(proto, field, count);
}

// Two values per byte, low nibble first; in int32_data one byte per entry as well.
std::vector<std::int64_t> read_nibbles(const Proto& proto, bool is_signed) {
  const auto count = static_cast<std::size_t>(element_count(shape_of(proto)));
  std::string packed(Payload(proto).bytes());
  if (!has_raw_payload(proto)) packed.assign(proto.int32_data().begin(), proto.int32_data().end());
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
    case Proto::FLOAT:
      return read<float, Result>(proto, proto.float_data());
    case Proto::DOUBLE:
      return read<double, Result>(proto, proto.double_data());
    case Proto::INT8:
      return read<std::int8_t, Result>(proto, proto.int32_data());
    case Proto::UINT8:
      return read<std::uint8_t, Result>(proto, proto.int32_data());
    case Proto::INT16:
      return read<std::int16_t, Result>(proto, proto.int32_data());
    case Proto::UINT16:
      return read<std::uint16_t, Result>(proto, proto.int32_data());
    case Proto::INT32:
      return read<std::int32_t, Result>(proto, proto.int32_data());
    case Proto::BOOL:
      return read<std::uint8_t, Result>(proto, proto.int32_data());
    case Proto::INT64:
      return read<std::int64_t, Result>(proto, proto.int64_data());
    case Proto::UINT32:
      return read<std::uint32_t, Result>(proto, proto.uint64_data());
    case Proto::UINT64:
      return read<std::uint64_t, Result>(proto, proto.uint64_data());
    case Proto::INT4:
    case Proto::UINT4: {
      const auto values = read_nibbles(proto, proto.data_type() == Proto::INT4);
      return {values.begin(), values.end()};
    }
    default:
      fail(proto, "has the element type " + type_name(static_cast<ElementType>(proto.data_type())) + ", a number was expected");
  }
}

}  // namespace

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

Tensor from_proto(const Proto& proto) {
  const auto type = static_cast<ElementType>(proto.data_type());
  Tensor tensor = Tensor::zeros(type, shape_of(proto));
  const auto fill = [&](const auto& values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    std::copy(values.begin(), values.end(), tensor.as<T>().begin());
  };
  if (has_raw_payload(proto)) {
    const Payload payload(proto);
    if (payload.bytes().size() != tensor.bytes.size()) fail(proto, "has a payload of the wrong size");
    if (!tensor.bytes.empty()) std::memcpy(tensor.bytes.data(), payload.bytes().data(), tensor.bytes.size());
  } else if (type == Proto::FLOAT) {
    fill(read_as<float>(proto));
  } else if (type == Proto::DOUBLE) {
    fill(read_as<double>(proto));
  } else if (type == Proto::INT64) {
    fill(read_as<std::int64_t>(proto));
  } else if (type == Proto::UINT64) {
    fill(read_as<std::uint64_t>(proto));
  } else if (element_size(type) != 0) {  // the smaller types, half floats as their bits, have an int32 (uint32: an uint64) per value
    const auto values = type == Proto::UINT32 ? read<std::uint32_t, std::int64_t>(proto, proto.uint64_data())
                                              : read<std::int32_t, std::int64_t>(proto, proto.int32_data());
    const std::size_t size = element_size(type);
    for (std::size_t i = 0; i < values.size(); ++i) std::memcpy(tensor.bytes.data() + i * size, &values[i], size);  // little endian
  } else {
    fail(proto, "of type " + type_name(type) + " stores its values in a form that is not supported here");
  }
  return tensor;
}

}  // namespace quantize
