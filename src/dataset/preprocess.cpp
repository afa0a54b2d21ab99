#include "dataset/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "dataset/fit_tensor.h"
#include "dataset/picture_file.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

// What a model's input shape means for a picture of a given size.
struct InputLayout {
  bool has_batch = false, last = false;  // last: the channels
  std::int64_t batch = 1, channels = 0, height = 0, width = 0;

  [[nodiscard]] Shape shape() const {
    Shape result = last ? Shape{height, width, channels} : Shape{channels, height, width};
    if (has_batch) result.insert(result.begin(), batch);
    return result;
  }
};

[[noreturn]] void refuse(const Shape& shape, const std::string& why) {
  throw Error(ErrorKind::data, "the model's input of shape " + to_string(shape) + " cannot take a picture: " + why);
}

InputLayout read_layout(const Image& picture, const Shape& shape, Layout layout) {
  if (shape.size() != 3 && shape.size() != 4) refuse(shape, "it must have 3 or 4 dimensions");
  const auto fixed_or = [](std::int64_t dimension, std::int64_t otherwise) { return dimension < 0 ? otherwise : dimension; };
  const std::span<const std::int64_t> planes = std::span(shape).last(3);
  InputLayout result;
  result.has_batch = shape.size() == 4;
  result.batch = result.has_batch ? fixed_or(shape[0], 1) : 1;
  result.last = channels_last(shape, layout);
  result.channels = fixed_or(planes[result.last ? 2 : 0], picture.channels);
  result.height = fixed_or(planes[result.last ? 0 : 1], picture.height);
  result.width = fixed_or(planes[result.last ? 1 : 2], picture.width);
  if (result.channels != picture.channels) {
    refuse(shape, "it has " + std::to_string(result.channels) + " channels where the picture has " + std::to_string(picture.channels) +
                      " (3 as rgb or bgr, 1 as gray; the layout nchw or nhwc can be given too)");
  }
  if (result.batch < 1) refuse(shape, "its batch is empty");
  check_size(result.width, result.height, "the model's input of shape " + to_string(shape));
  return result;
}

float channel_value(const std::vector<float>& values, int channel, int channels, const char* what) {
  if (values.size() != 1 && values.size() != static_cast<std::size_t>(channels)) {
    throw Error(ErrorKind::usage, std::string(what) + " has " + std::to_string(values.size()) + " values, one or one per channel (" +
                                      std::to_string(channels) + ") is needed");
  }
  const float value = values[values.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
  if (!std::isfinite(value)) throw Error(ErrorKind::usage, std::string(what) + " is not a finite number");
  return value;
}

// A channel has only 256 different values.
using ValueTable = std::array<float, 256>;

ValueTable value_table(const Preprocess& preprocess, int channel, int channels) {
  const float mean = channel_value(preprocess.mean, channel, channels, "mean");
  const float std = channel_value(preprocess.std, channel, channels, "std");
  if (std == 0.0F) throw Error(ErrorKind::usage, "std is 0, the pixels would be divided by it");
  ValueTable table;
  for (std::size_t pixel = 0; pixel < table.size(); ++pixel) {
    table[pixel] = (static_cast<float>(pixel) * preprocess.scale - mean) / std;
    if (!std::isfinite(table[pixel])) throw Error(ErrorKind::usage, "scale, mean and std turn a pixel into infinity");
  }
  return table;
}

std::vector<float> normalise(const Image& image, const Preprocess& preprocess, bool last) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t area = image.pixels.size() / channels;
  std::vector<float> values(image.pixels.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const auto table = value_table(preprocess, static_cast<int>(c), image.channels);
    const std::size_t source = preprocess.color == ColorOrder::bgr ? channels - 1 - c : c;
    for (std::size_t i = 0; i < area; ++i) {
      values[last ? i * channels + c : c * area + i] = table[image.pixels[i * channels + source]];
    }
  }
  return values;
}

bool is_raw(const Preprocess& preprocess) {
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::all_of(values.begin(), values.end(), [&](float value) { return value == wanted; });
  };
  return preprocess.scale == 1.0F && all(preprocess.mean, 0.0F) && all(preprocess.std, 1.0F);
}

Tensor store(const std::vector<float>& values, const Shape& shape, ElementType type, const Preprocess& preprocess) {
  switch (type) {
    case Proto::FLOAT:
      return Tensor::of(shape, values);
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::DOUBLE:
      return from_proto(make_float_tensor("", shape, type, values));
    case Proto::UINT8: {
      if (!is_raw(preprocess)) {
        throw Error(ErrorKind::data, "the model takes uint8 pixels: normalised values do not fit, use the pre-processing 'raw'");
      }
      Tensor tensor = Tensor::zeros(type, shape);
      std::transform(values.begin(), values.end(), tensor.as<std::uint8_t>().begin(),
                     [](float value) { return static_cast<std::uint8_t>(value); });
      return tensor;
    }
    default:
      throw Error(ErrorKind::data, "the model's input of type " + type_name(type) + " cannot take a picture; give .npy files");
  }
}

}  // namespace

std::string to_string(ColorOrder order) {
  static const char* const names[] = {"rgb", "bgr", "gray"};
  return names[static_cast<int>(order)];
}

Preprocess Preprocess::named(const std::string& name) {
  Preprocess result;
  if (name == "imagenet") return result;
  result.mean = {0.0F};
  result.std = {1.0F};
  if (name == "unit") return result;
  if (name == "signed") {
    result.scale = 1.0F / 127.5F;
    result.mean = {1.0F};
  } else if (name == "raw") {
    result.scale = 1.0F;
  } else {
    throw Error(ErrorKind::usage, "unknown pre-processing '" + name + "'; known: imagenet, unit, signed, raw");
  }
  return result;
}

Placement2D place_picture(int picture_width, int picture_height, int width, int height, ResizeMode mode) {
  Placement2D place{0, 0, width, height, 0, 0, picture_width, picture_height};
  if (mode == ResizeMode::stretch) return place;
  const double x_factor = static_cast<double>(width) / picture_width;
  const double y_factor = static_cast<double>(height) / picture_height;
  const auto rounded = [](double length, int limit) { return std::clamp(static_cast<int>(std::lround(length)), 1, limit); };
  if (mode == ResizeMode::letterbox) {
    const double factor = std::min(x_factor, y_factor);
    place.width = rounded(picture_width * factor, width);
    place.height = rounded(picture_height * factor, height);
    place.x = (width - place.width) / 2;
    place.y = (height - place.height) / 2;
  } else {
    const double factor = std::max(x_factor, y_factor);
    place.source_width = rounded(width / factor, picture_width);
    place.source_height = rounded(height / factor, picture_height);
    place.source_x = (picture_width - place.source_width) / 2;
    place.source_y = (picture_height - place.source_height) / 2;
  }
  return place;
}

bool channels_last(const Shape& shape, Layout layout) {
  if (layout != Layout::automatic) return layout == Layout::nhwc;
  if (shape.size() != 3 && shape.size() != 4) return false;
  const auto may_be_channels = [](std::int64_t dimension) { return dimension == 1 || dimension == 3; };
  return may_be_channels(shape.back()) && !may_be_channels(shape[shape.size() - 3]);
}

std::optional<PictureSize> fixed_picture_size(const Shape& shape, Layout layout) {
  if (shape.size() != 3 && shape.size() != 4) return std::nullopt;
  const std::span<const std::int64_t> planes = std::span(shape).last(3);
  const bool last = channels_last(shape, layout);
  const std::int64_t height = planes[last ? 0 : 1], width = planes[last ? 1 : 2];
  const bool possible = height > 0 && width > 0 && height <= max_picture_side && width <= max_picture_side;
  return possible ? std::optional(PictureSize{static_cast<int>(width), static_cast<int>(height)}) : std::nullopt;
}

Image fit_picture(const Image& picture, int width, int height, ResizeMode mode) {
  const auto place = place_picture(picture.width, picture.height, width, height, mode);
  Image used = crop(picture, place.source_x, place.source_y, place.source_width, place.source_height);
  used = resize_bilinear(used, place.width, place.height);
  if (place.width == width && place.height == height) return used;

  Image canvas{width, height, picture.channels, {}};
  const auto stride = static_cast<std::ptrdiff_t>(width) * picture.channels;
  const auto length = static_cast<std::ptrdiff_t>(place.width) * picture.channels;
  canvas.pixels.resize(static_cast<std::size_t>(stride * height));
  for (int row = 0; row < place.height; ++row) {
    const auto target = canvas.pixels.begin() + (place.y + row) * stride + static_cast<std::ptrdiff_t>(place.x) * picture.channels;
    std::copy_n(used.pixels.begin() + row * length, length, target);
  }
  return canvas;
}

Tensor to_input(const Image& picture, const Shape& shape, ElementType type, const Preprocess& preprocess) {
  const auto layout = read_layout(picture, shape, preprocess.layout);
  const Image fitted = fit_picture(picture, static_cast<int>(layout.width), static_cast<int>(layout.height), preprocess.resize);
  const auto values = normalise(fitted, preprocess, layout.last);
  InputLayout single = layout;
  single.batch = 1;
  Tensor tensor = store(values, single.shape(), type, preprocess);
  return repeat_batch(std::move(tensor), layout.batch);
}

}  // namespace quantize
