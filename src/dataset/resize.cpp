#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dataset/image.h"

namespace quantize {
namespace {

// How one output position is mixed from input positions [first, first + weights.size()).
template <typename Weight>
struct Taps {
  int first = 0;
  std::vector<Weight> weights;
};
template <typename Weight>
using Filter = std::vector<Taps<Weight>>;

// Halves go up, as in Pillow.
int rounded(double value) { return static_cast<int>(std::floor(value + 0.5)); }

// A triangle around each output's centre, as wide as the reduction factor: enlarging interpolates between two neighbours, shrinking
// averages over all pixels that fall together. At the borders the triangle is cut off and its weights scaled up.
Filter<double> triangle_filter(int size, int new_size) {
  const double scale = static_cast<double>(size) / new_size;
  const double support = std::max(scale, 1.0);
  const double slope = 1.0 / support;
  Filter<double> filter(static_cast<std::size_t>(new_size));
  for (int i = 0; i < new_size; ++i) {
    auto& taps = filter[static_cast<std::size_t>(i)];
    const double center = (i + 0.5) * scale;
    taps.first = std::max(rounded(center - support), 0);
    const int last = std::min(rounded(center + support), size);
    double sum = 0;
    for (int k = taps.first; k < last; ++k) {
      const double distance = std::fabs((k - center + 0.5) * slope);
      taps.weights.push_back(distance < 1.0 ? 1.0 - distance : 0.0);
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) weight /= sum;
  }
  return filter;
}

// Pillow's integers: 22 fraction bits, so that 8 bits of pixel and 2 bits of headroom fill 32.
constexpr int fraction_bits = 22;
constexpr std::int32_t half = 1 << (fraction_bits - 1);

std::uint8_t to_pixel(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255)); }

Filter<std::int32_t> fixed_filter(int size, int new_size) {
  const auto exact = triangle_filter(size, new_size);
  Filter<std::int32_t> filter(exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    filter[i].first = exact[i].first;
    for (const double weight : exact[i].weights) {
      filter[i].weights.push_back(rounded(weight * (1 << fraction_bits)));
    }
  }
  return filter;
}

template <int channels>
void resize_row(const std::uint8_t* in, std::uint8_t* out, const Filter<std::int32_t>& filter) {
  for (const auto& taps : filter) {
    std::int32_t sums[channels];
    std::fill_n(sums, channels, half);
    const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(taps.first) * channels;
    for (const std::int32_t weight : taps.weights) {
      for (int c = 0; c < channels; ++c) sums[c] += *pixel++ * weight;
    }
    for (int c = 0; c < channels; ++c) *out++ = to_pixel(sums[c]);
  }
}

std::size_t row_size(const Image& image) { return static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels); }

Image resize_width(const Image& image, int width) {
  if (width == image.width) return image;
  const auto filter = fixed_filter(image.width, width);
  Image result{width, image.height, image.channels, {}};
  const auto stride = row_size(image);
  const auto new_stride = row_size(result);
  result.pixels.resize(new_stride * static_cast<std::size_t>(image.height));
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    const auto resize = image.channels == 1 ? resize_row<1> : resize_row<3>;
    resize(&image.pixels[y * stride], &result.pixels[y * new_stride], filter);
  }
  return result;
}

Image resize_height(const Image& image, int height) {
  if (height == image.height) return image;
  const auto filter = fixed_filter(image.height, height);
  Image result{image.width, height, image.channels, {}};
  const auto stride = row_size(image);
  std::vector<std::int32_t> sums(stride);
  result.pixels.reserve(stride * static_cast<std::size_t>(height));
  for (const auto& taps : filter) {
    std::fill(sums.begin(), sums.end(), half);
    const std::uint8_t* row = &image.pixels[static_cast<std::size_t>(taps.first) * stride];
    for (const std::int32_t weight : taps.weights) {
      for (std::size_t x = 0; x < stride; ++x) sums[x] += row[x] * weight;
      row += stride;
    }
    std::transform(sums.begin(), sums.end(), std::back_inserter(result.pixels), to_pixel);
  }
  return result;
}

// One direction of a float plane: `lines` lines, `line_step` apart, of `size` values, `step` apart; results are laid out by the new steps.
std::vector<float> resize_lines(std::span<const float> plane, int size, int new_size, int lines, bool along_rows) {
  const auto filter = triangle_filter(size, new_size);
  const auto count = static_cast<std::size_t>(lines);
  const auto at = [&](std::size_t line, std::size_t i, int length) {
    return along_rows ? line * static_cast<std::size_t>(length) + i : i * count + line;
  };
  std::vector<float> result(count * filter.size());
  for (std::size_t line = 0; line < count; ++line) {
    for (std::size_t i = 0; i < filter.size(); ++i) {
      double sum = 0;
      auto k = static_cast<std::size_t>(filter[i].first);
      for (const double weight : filter[i].weights) sum += plane[at(line, k++, size)] * weight;
      result[at(line, i, new_size)] = static_cast<float>(sum);
    }
  }
  return result;
}

void check(bool fine) {
  if (!fine) throw Error(ErrorKind::internal, "a picture was resized or cropped to an impossible size");
}

bool is_whole(const Image& image) {
  return image.width > 0 && image.height > 0 && (image.channels == 1 || image.channels == 3) &&
         image.pixels.size() ==
             static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.channels);
}

}  // namespace

Image resize_bilinear(const Image& image, int width, int height) {
  check(is_whole(image) && width > 0 && height > 0);
  return resize_height(resize_width(image, width), height);
}

std::vector<float> resize_bilinear(std::span<const float> plane, int width, int height, int new_width, int new_height) {
  check(width > 0 && height > 0 && new_width > 0 && new_height > 0 &&
        plane.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::vector<float> result(plane.begin(), plane.end());
  if (new_width != width) result = resize_lines(result, width, new_width, height, true);
  if (new_height != height) result = resize_lines(result, height, new_height, new_width, false);
  return result;
}

Image crop(const Image& image, int x, int y, int width, int height) {
  check(is_whole(image) && x >= 0 && y >= 0 && width > 0 && height > 0 && x <= image.width - width && y <= image.height - height);
  if (width == image.width && height == image.height) return image;
  Image result{width, height, image.channels, {}};
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t length = static_cast<std::size_t>(width) * channels;
  result.pixels.reserve(length * static_cast<std::size_t>(height));
  for (int row = y; row < y + height; ++row) {
    const auto start = (static_cast<std::size_t>(row) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) * channels;
    const auto first = image.pixels.begin() + static_cast<std::ptrdiff_t>(start);
    result.pixels.insert(result.pixels.end(), first, first + static_cast<std::ptrdiff_t>(length));
  }
  return result;
}

}  // namespace quantize
