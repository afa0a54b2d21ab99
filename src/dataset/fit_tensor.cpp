#include "dataset/fit_tensor.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

bool is_finite(const Tensor& tensor) {
  const auto finite = [](auto values) {
    return std::all_of(values.begin(), values.end(), [](auto value) { return std::isfinite(value); });
  };
  if (tensor.type == Proto::DOUBLE) return finite(tensor.as<double>());
  if (tensor.type == Proto::FLOAT) return finite(tensor.as<float>());
  return finite(float_values(to_proto("", tensor)));
}

// Whether every fixed dimension is met; the first one may also be a batch of 1 that is to be repeated.
bool matches(const Shape& shape, const Shape& wanted) {
  if (shape.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool repeatable = i == 0 && shape[i] == 1 && wanted[i] > 1;
    if (wanted[i] >= 0 && shape[i] != wanted[i] && !repeatable) return false;
  }
  return true;
}

}  // namespace

Tensor repeat_batch(Tensor tensor, std::int64_t count) {
  constexpr std::int64_t most = 65536;
  if (count <= 1) return tensor;
  if (count > most) throw Error(ErrorKind::data, "the model wants a batch of " + std::to_string(count) + " items, that is too many");
  const std::size_t size = tensor.bytes.size();
  tensor.shape.front() = count;
  tensor.bytes.resize(size * static_cast<std::size_t>(count));
  for (std::size_t i = 1; i < static_cast<std::size_t>(count); ++i) {
    std::copy_n(tensor.bytes.begin(), size, tensor.bytes.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
  return tensor;
}

Tensor fit_tensor(Tensor tensor, ElementType type, const Shape& shape, const std::string& name) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::data, name + ": " + what); };
  if (tensor.type != type && !(is_float(tensor.type) && is_float(type))) {
    fail("holds " + type_name(tensor.type) + " values, the model's input takes " + type_name(type));
  }
  const Shape original = tensor.shape;
  if (original.size() + 1 == shape.size()) tensor.shape.insert(tensor.shape.begin(), 1);
  if (!matches(tensor.shape, shape)) fail("has the shape " + to_string(original) + ", the model's input is " + to_string(shape));

  if (is_float(tensor.type) && !is_finite(tensor)) fail("holds NaN or infinity");
  if (tensor.type != type) tensor = from_proto(make_float_tensor("", tensor.shape, type, float_values(to_proto("", tensor))));
  if (is_float(type) && !is_finite(tensor)) fail("holds a value too large for the model's input type " + type_name(type));
  const bool repeat = !shape.empty() && tensor.shape.front() == 1 && shape.front() > 1;
  return repeat ? repeat_batch(std::move(tensor), shape.front()) : tensor;
}

}  // namespace quantize
