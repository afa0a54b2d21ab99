#include "evaluate/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "dataset/image.h"
#include "report/schema.h"

namespace quantize {
namespace {

constexpr std::uint8_t no_class = 255;

double decibel(double ratio) { return std::isnan(ratio) ? ratio : std::min(10 * std::log10(std::max(ratio, 1e-30)), no_error_db); }

bool is_integer(ElementType type) { return !is_float(type); }

// Scores along one dimension; classes have no axis for them.
bool is_line(const Tensor& output, ClassAxis axis) {
  return axis == ClassAxis::line && output.shape.size() == 3 && !is_integer(output.type);
}

// The output seen as planes of height x width.
struct Planes {
  int channels = 1, height = 1, width = 1;
  std::vector<float> values;  // channel after channel
};

// The output's dimensions as N C H W, or as N H W C where its channels are last.
struct Dimensions {
  Shape shape;
  bool last = false;

  [[nodiscard]] std::int64_t channels() const { return shape[last ? 3 : 1]; }
};

Dimensions dimensions_of(const Tensor& output, ClassAxis axis) {
  Shape shape = output.shape;
  const bool without_batch = axis == ClassAxis::leading || axis == ClassAxis::trailing;
  const bool last = (axis == ClassAxis::last && shape.size() == 4) || (axis == ClassAxis::trailing && shape.size() == 3);
  const bool map_alone = shape.size() == 2 && is_integer(output.type);
  if (map_alone || (shape.size() == 3 && without_batch)) shape.insert(shape.begin(), 1);
  if (shape.size() == 2) shape = {shape[0], shape[1], 1, 1};  // class scores of a whole picture
  if (shape.size() == 3) shape.insert(shape.begin() + (is_line(output, axis) ? 2 : 1), 1);
  if (shape.size() < 2) shape = {1, 1, 1, element_count(output.shape)};
  while (shape.size() > 4) {  // volumes: what lies behind the height is one width
    shape[shape.size() - 2] *= shape.back();
    shape.pop_back();
  }
  return {shape, last};
}

Planes planes_of(const Tensor& output, ClassAxis axis) {
  const auto [shape, last] = dimensions_of(output, axis);
  Planes planes{static_cast<int>(last ? shape[3] : shape[1]),
                static_cast<int>(last ? shape[1] : shape[2]),
                static_cast<int>(last ? shape[2] : shape[3]),
                {}};
  auto values = float_values(output);
  const std::size_t pixels = static_cast<std::size_t>(planes.height) * planes.width, count = pixels * planes.channels;
  values.resize(count);
  if (!last) {
    planes.values = std::move(values);
    return planes;
  }
  planes.values.resize(count);
  for (std::size_t p = 0; p < pixels; ++p) {
    for (int c = 0; c < planes.channels; ++c) planes.values[c * pixels + p] = values[p * planes.channels + c];
  }
  return planes;
}

// The argmax, one channel after another: of large masks not all channels need to be there at once.
class BestChannel {
 public:
  explicit BestChannel(std::size_t pixels) : best_(pixels, -std::numeric_limits<float>::infinity()) {}

  void add(int channel, std::span<const float> plane, std::span<std::uint8_t> classes) {
    for (std::size_t p = 0; p < best_.size(); ++p) {
      if (!(plane[p] > best_[p]) && !std::isnan(plane[p])) continue;  // nothing is above NaN, once it is the best
      best_[p] = plane[p];
      classes[p] = std::isnan(plane[p]) ? no_class : static_cast<std::uint8_t>(std::min(channel, 255));
    }
  }

 private:
  std::vector<float> best_;
};

ClassMap classes_of(const Planes& planes, bool integers) {
  ClassMap map{planes.width, planes.height, {}};
  const std::size_t pixels = static_cast<std::size_t>(planes.width) * planes.height;
  map.classes.resize(pixels);
  if (planes.channels == 1) {
    for (std::size_t p = 0; p < pixels; ++p) {
      const float value = planes.values[p];
      if (integers) {
        map.classes[p] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
      } else {
        map.classes[p] = std::isnan(value) ? no_class : static_cast<std::uint8_t>(value > 0.5F);
      }
    }
    return map;
  }
  BestChannel best(pixels);
  for (int c = 0; c < planes.channels; ++c) best.add(c, std::span<const float>(planes.values).subspan(c * pixels, pixels), map.classes);
  return map;
}

// Nearest pixel, for maps of class numbers, which must not be averaged.
ClassMap enlarge(const ClassMap& map, int width, int height) {
  ClassMap result{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height)};
  for (int y = 0; y < height; ++y) {
    const int from_y = std::min(map.height - 1, static_cast<int>((y + 0.5) * map.height / height));
    for (int x = 0; x < width; ++x) {
      const int from_x = std::min(map.width - 1, static_cast<int>((x + 0.5) * map.width / width));
      result.classes[static_cast<std::size_t>(y) * width + x] = map.classes[static_cast<std::size_t>(from_y) * map.width + from_x];
    }
  }
  return result;
}

}  // namespace

Energy Energy::of(std::span<const float> reference, std::span<const float> other) {
  if (reference.size() != other.size()) throw Error(ErrorKind::verification, "the two models' outputs differ in size");
  Energy energy;
  energy.count = reference.size();
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double value = reference[i], difference = value - other[i];
    energy.signal += value * value;
    energy.error += difference * difference;
    energy.peak = std::max(energy.peak, std::fabs(value));
  }
  return energy;
}

void Energy::add(const Energy& other) {
  signal += other.signal;
  error += other.error;
  peak = std::max(peak, other.peak);
  count += other.count;
}

double Energy::sqnr_db() const { return error == 0 ? no_error_db : decibel(signal / error); }
double Energy::psnr_db() const { return error == 0 ? no_error_db : decibel(peak * peak * static_cast<double>(count) / error); }

bool is_worse_db(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

double mean_db(std::span<const double> values) {
  const bool exact = std::ranges::all_of(values, [](double value) { return value >= no_error_db; });
  double sum = 0;
  for (const double value : values) sum += counted_db(value);
  return exact ? no_error_db : sum / static_cast<double>(values.size());
}

ClassAxis class_axis(const Shape& input, bool input_channels_last, const Shape& output) {
  const auto natural = input_channels_last ? ClassAxis::last : ClassAxis::first;
  if (input.size() < 3 || input.size() > 4 || output.size() < 3 || output.size() > input.size()) return natural;
  const bool batch = input.size() == 4;
  const std::size_t first = input.size() - (input_channels_last ? 3 : 2);  // its height
  // Rounded strides leave a few per cent.
  const auto fits = [&](std::int64_t height, std::int64_t width) {
    const double a = static_cast<double>(height) * static_cast<double>(input[first + 1]);
    const double b = static_cast<double>(width) * static_cast<double>(input[first]);
    return height > 0 && width > 0 && a > 0 && std::fabs(a - b) <= 0.1 * std::max(a, b);
  };
  if (output.size() == 4) {
    const bool as_first = fits(output[2], output[3]), as_last = fits(output[1], output[2]);
    return as_first == as_last ? natural : as_first ? ClassAxis::first : ClassAxis::last;
  }
  const bool picture = input[0] == 3 || input[0] != output[0];  // of three dimensions, and not as many lines as come out
  if (output[0] > 1 && (batch ? std::abs(input[0]) == 1 : picture)) {
    if (fits(output[1], output[2])) return ClassAxis::leading;
    if (fits(output[0], output[1])) return ClassAxis::trailing;
  }
  if (batch || input_channels_last) return natural;
  return input[1] > 0 && !fits(output[1], output[2]) ? ClassAxis::line : natural;  // a line's channels are never free
}

std::optional<int> class_dimension(ClassAxis axis, std::size_t dimensions) {
  if (dimensions == 3) {
    if (axis == ClassAxis::leading) return 0;
    if (axis == ClassAxis::trailing) return 2;
    return axis == ClassAxis::line ? std::optional(1) : std::nullopt;
  }
  return axis == ClassAxis::last && dimensions == 4 ? 3 : 1;
}

int class_count(const Tensor& output, ClassAxis axis) {
  if (is_integer(output.type)) return 255;
  return static_cast<int>(std::clamp<std::int64_t>(dimensions_of(output, axis).channels(), 2, 255));
}

ClassMap classes_of(const Tensor& output, ClassAxis axis) { return classes_of(planes_of(output, axis), is_integer(output.type)); }

ClassMap classes_at(const Tensor& output, ClassAxis axis, int width, int height) {
  const bool integers = is_integer(output.type);
  const Planes planes = planes_of(output, axis);
  if (integers) return enlarge(classes_of(planes, true), width, height);
  if (planes.width == width && planes.height == height) return classes_of(planes, false);
  const std::size_t pixels = static_cast<std::size_t>(planes.width) * planes.height;
  const auto enlarged = [&](int channel) {
    return resize_bilinear(std::span<const float>(planes.values).subspan(channel * pixels, pixels), planes.width, planes.height, width,
                           height);
  };
  if (planes.channels == 1) return classes_of(Planes{1, height, width, enlarged(0)}, false);
  ClassMap map{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height)};
  BestChannel best(map.classes.size());
  for (int c = 0; c < planes.channels; ++c) best.add(c, enlarged(c), map.classes);
  return map;
}

double agreement(const ClassMap& a, const ClassMap& b) {
  if (a.classes.size() != b.classes.size() || a.classes.empty()) throw Error(ErrorKind::verification, "two class maps differ in size");
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.classes.size(); ++i) same += a.classes[i] == b.classes[i];
  return static_cast<double>(same) / static_cast<double>(a.classes.size());
}

std::vector<float> margins_of(const Tensor& output, ClassAxis axis) {
  const Planes planes = planes_of(output, axis);
  const std::size_t pixels = static_cast<std::size_t>(planes.width) * planes.height;
  if (is_integer(output.type)) return std::vector<float>(pixels, 1.0F);
  std::vector<float> margins(pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (planes.channels == 1) {
      margins[p] = std::fabs(planes.values[p] - 0.5F);
      continue;
    }
    float first = planes.values[p], second = -std::numeric_limits<float>::infinity();
    for (int c = 1; c < planes.channels; ++c) {
      const float value = planes.values[c * pixels + p];
      second = std::max(second, std::min(first, value));
      first = std::max(first, value);
    }
    margins[p] = first - second;
  }
  return margins;
}

MarginLoss MarginLoss::of(const ClassMap& reference, const ClassMap& other, std::span<const float> margins) {
  if (reference.classes.size() != other.classes.size() || reference.classes.size() != margins.size())
    throw Error(ErrorKind::verification, "two class maps differ in size");
  MarginLoss loss;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    loss.all += margins[i];
    if (reference.classes[i] != other.classes[i]) loss.flipped += margins[i];
  }
  return loss;
}

void MarginLoss::add(const MarginLoss& other) {
  flipped += other.flipped;
  all += other.all;
}

}  // namespace quantize
