#include "dataset/random_sample.h"

#include <cstring>
#include <random>

#include "base/error.h"
#include "base/files.h"

namespace quantize {
namespace {

// The standard's engines give the same numbers everywhere, its distributions do not.
class Numbers {
 public:
  Numbers(std::uint64_t seed, const std::string& name)
      : engine_(std::stoull(fingerprint(std::to_string(seed) + name).substr(0, 16), nullptr, 16)) {}
  std::uint32_t bits() { return static_cast<std::uint32_t>(engine_() >> 32); }
  int below(int count) { return static_cast<int>(bits() % static_cast<std::uint32_t>(count)); }
  // The sum of twelve uniform values: normal enough, and never infinite.
  float normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += bits() * 0x1p-32;
    return static_cast<float>(sum);
  }

 private:
  std::mt19937_64 engine_;
};

Image random_picture(int width, int height, int channels, Numbers& numbers) {
  const int grain = 1 + numbers.below(8);
  Image blotches{std::max(1, width / grain), std::max(1, height / grain), channels, {}};
  blotches.pixels.resize(static_cast<std::size_t>(blotches.width) * static_cast<std::size_t>(blotches.height) *
                         static_cast<std::size_t>(channels));
  for (auto& pixel : blotches.pixels) pixel = static_cast<std::uint8_t>(numbers.bits() >> 24);
  return resize_bilinear(blotches, width, height);
}

}  // namespace

bool takes_pictures(const Shape& shape, ElementType type, const Preprocess& preprocess) {
  if (shape.size() != 3 && shape.size() != 4) return false;
  const bool holds_pixels = (is_float(type) && type != onnx::TensorProto::BFLOAT16) || type == onnx::TensorProto::UINT8;
  if (!holds_pixels) return false;
  const std::int64_t channels = channels_last(shape, preprocess.layout) ? shape.back() : shape[shape.size() - 3];
  return channels == (preprocess.color == ColorOrder::gray ? 1 : 3);
}

Tensor random_tensor(const Shape& given, ElementType type, const Preprocess& preprocess, std::uint64_t seed, const std::string& name) {
  Shape shape = given;
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  for (const auto dimension : shape) {
    if (dimension < 0) {
      throw Error(ErrorKind::usage,
                  "random data needs to know every dimension, the model's input is " + to_string(given) + ": give --input-shape");
    }
  }
  Numbers numbers(seed, name);
  if (takes_pictures(shape, type, preprocess)) {
    const bool last = channels_last(shape, preprocess.layout);
    const std::size_t rank = shape.size();
    const auto height = static_cast<int>(shape[rank - (last ? 3 : 2)]), width = static_cast<int>(shape[rank - (last ? 2 : 1)]);
    return to_input(random_picture(width, height, preprocess.color == ColorOrder::gray ? 1 : 3, numbers), shape, type, preprocess);
  }
  if (is_float(type)) {
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    for (auto& value : values) value = numbers.normal();
    return from_proto(make_float_tensor("", shape, type, values));
  }
  Tensor tensor = Tensor::zeros(type, shape);
  const std::size_t size = element_size(type);
  if (size == 0) throw Error(ErrorKind::usage, "no random data can be drawn for inputs of type " + type_name(type));
  for (std::size_t i = 0; i < tensor.bytes.size(); i += size) tensor.bytes[i] = static_cast<std::byte>(numbers.bits() >> 31);
  return tensor;
}

}  // namespace quantize
