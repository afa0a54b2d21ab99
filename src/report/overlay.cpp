#include "report/overlay.h"

#include <array>
#include <cmath>

#include "base/error.h"

namespace quantize {
namespace {

using Colour = std::array<std::uint8_t, 3>;

// Okabe and Ito's colours first; each further one is the colour farthest (in CIELAB) from all before it, as seen with normal vision,
// deuteranopia and protanopia, whichever of the three is worst.
constexpr std::array<Colour, 24> palette = {{
    {0xE6, 0x9F, 0x00}, {0x56, 0xB4, 0xE9}, {0x00, 0x9E, 0x73}, {0xF0, 0xE4, 0x42}, {0x00, 0x72, 0xB2}, {0xD5, 0x5E, 0x00},
    {0xCC, 0x79, 0xA7}, {0x40, 0x40, 0x40}, {0x00, 0x00, 0xFF}, {0x0F, 0x00, 0x78}, {0xFF, 0xFF, 0xE1}, {0x5A, 0xFF, 0x87},
    {0xA5, 0x5A, 0xFF}, {0x69, 0x1E, 0x00}, {0x3C, 0x00, 0x3C}, {0x00, 0xF0, 0xF0}, {0x96, 0xA5, 0x5A}, {0x96, 0x00, 0x78},
    {0x2D, 0x00, 0x00}, {0x00, 0x4B, 0xB4}, {0x87, 0x69, 0x3C}, {0x2D, 0x0F, 0xC3}, {0xF0, 0xB4, 0xB4}, {0x87, 0x96, 0xFF},
}};

// The brightest strong colour, so that it stands out from dark gray for every eye.
constexpr Colour differing = {0xFF, 0xD8, 0x00};
constexpr double darkening = 0.5;

std::size_t pixel_count(const Image& picture) { return static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height); }

void check_size(const Image& picture, std::span<const std::uint8_t> classes) {
  if (picture.pixels.size() != pixel_count(picture) * static_cast<std::size_t>(picture.channels) || classes.size() != pixel_count(picture))
    throw Error(ErrorKind::internal, "a picture to draw on and its mask differ in size");
}

Colour colour_at(const Image& picture, std::size_t pixel) {
  if (picture.channels == 1) return {picture.pixels[pixel], picture.pixels[pixel], picture.pixels[pixel]};
  const std::uint8_t* values = &picture.pixels[pixel * 3];
  return {values[0], values[1], values[2]};
}

std::uint8_t mix(std::uint8_t from, std::uint8_t to, double share) {
  return static_cast<std::uint8_t>(std::lround(from * (1 - share) + to * share));
}

Image empty_like(const Image& picture) {
  Image result{.width = picture.width, .height = picture.height, .channels = 3, .pixels = {}};
  result.pixels.reserve(pixel_count(picture) * 3);
  return result;
}

}  // namespace

Image overlay_classes(const Image& picture, std::span<const std::uint8_t> classes, double opacity) {
  check_size(picture, classes);
  Image result = empty_like(picture);
  for (std::size_t pixel = 0; pixel < classes.size(); ++pixel) {
    const Colour below = colour_at(picture, pixel);
    const Colour& above = palette[classes[pixel] % palette.size()];
    for (std::size_t channel = 0; channel < 3; ++channel) result.pixels.push_back(mix(below[channel], above[channel], opacity));
  }
  return result;
}

Image difference_picture(const Image& picture, std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  check_size(picture, a);
  check_size(picture, b);
  Image result = empty_like(picture);
  for (std::size_t pixel = 0; pixel < a.size(); ++pixel) {
    const auto [red, green, blue] = colour_at(picture, pixel);
    const std::uint8_t gray = mix(0, luminance(red, green, blue), darkening);
    const Colour colour = a[pixel] == b[pixel] ? Colour{gray, gray, gray} : differing;
    result.pixels.insert(result.pixels.end(), colour.begin(), colour.end());
  }
  return result;
}

}  // namespace quantize
