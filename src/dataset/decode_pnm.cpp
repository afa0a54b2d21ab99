#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "dataset/bad_file.h"
#include "dataset/picture_file.h"

namespace quantize {
namespace {

bool is_space(std::uint8_t byte) { return std::isspace(byte) != 0; }

// The next number of the header; before it white space and comments (from # to the end of the line) may stand.
std::optional<std::int64_t> read_number(ByteView bytes, std::size_t& at) {
  while (at < bytes.size() && (is_space(bytes[at]) || bytes[at] == '#')) {
    if (bytes[at] == '#') {
      while (at < bytes.size() && bytes[at] != '\n') ++at;
    } else {
      ++at;
    }
  }
  std::int64_t number = 0;
  int digits = 0;
  for (; at < bytes.size() && std::isdigit(bytes[at]) != 0; ++at, ++digits) {
    if (digits == 9) return std::nullopt;
    number = number * 10 + (bytes[at] - '0');
  }
  return digits == 0 ? std::nullopt : std::optional(number);
}

std::uint8_t to_byte(std::int64_t sample, std::int64_t largest) {
  if (largest == 255) return static_cast<std::uint8_t>(sample);
  if (largest == 65535) return static_cast<std::uint8_t>(sample >> 8);
  const double scaled = static_cast<double>(sample) / static_cast<double>(largest) * 255.0;
  return static_cast<std::uint8_t>(std::min(255.0, std::nearbyint(scaled)));
}

}  // namespace

Image decode_pnm(ByteView bytes, const std::string& name) {
  std::size_t at = 2;
  const auto width = read_number(bytes, at);
  const auto height = read_number(bytes, at);
  const auto largest = read_number(bytes, at);
  if (!width || !height || !largest || *largest < 1 || *largest > 65535 || at >= bytes.size() || !is_space(bytes[at])) {
    bad_file(name, "the header of the PPM or PGM file is damaged");
  }
  check_size(*width, *height, name);
  ++at;  // exactly one white space ends the header

  Image image{static_cast<int>(*width), static_cast<int>(*height), bytes[1] == '6' ? 3 : 1, {}};
  const std::size_t count = static_cast<std::size_t>(*width * *height) * static_cast<std::size_t>(image.channels);
  const std::size_t sample_size = *largest > 255 ? 2 : 1;
  if (bytes.size() - at < count * sample_size) bad_file(name, "the PPM or PGM file is cut off");
  image.pixels.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* sample = &bytes[at + i * sample_size];
    image.pixels[i] = to_byte(sample_size == 1 ? sample[0] : sample[0] << 8 | sample[1], *largest);
  }
  return image;
}

}  // namespace quantize
