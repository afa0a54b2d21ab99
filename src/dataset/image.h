// Pictures: decoding and resizing. The only folder that includes stb_image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace quantize {

// Interleaved rows, top first, 8 bits per channel; 1 (gray) or 3 (RGB) channels.
struct Image {
  int width = 0, height = 0, channels = 3;
  std::vector<std::uint8_t> pixels;
};

// Pillow's weights (ITU-R 601).
constexpr std::uint8_t luminance(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  return static_cast<std::uint8_t>((19595U * red + 38470U * green + 7471U * blue + 0x8000U) >> 16U);
}

// Decodes JPEG, PNG, BMP, PPM/PGM; 16-bit pictures are reduced to 8 bits (high byte), alpha is dropped, gray becomes RGB when channels is 3
// and RGB its luminance when it is 1. Throws Error{data} naming the file.
Image read_image(const std::filesystem::path& path, int channels);
Image decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name);
// The memory that decoding takes for a while, the file itself included, by what its head says of the picture. Throws Error{data} naming the
// file where it is seen at once that it cannot be decoded.
std::size_t decoding_bytes(std::span<const std::uint8_t> bytes, int channels, const std::string& name);
struct PictureSize {
  int width = 0, height = 0;
  bool operator==(const PictureSize&) const = default;
};
// As the file's head says it: nothing is decoded but PPM and PGM. Throws Error{data} naming the file.
PictureSize picture_size(const std::filesystem::path& path);
std::vector<std::uint8_t> encode_png(const Image& image);

// <folder>/<stem>.png
std::filesystem::path label_path(const std::filesystem::path& folder, const std::string& stem);
// A class-index picture: 8-bit gray or palette PNG whose pixel values are class numbers. Palette PNGs yield indices, not colours.
// Throws Error{data} naming the file.
Image read_label(const std::filesystem::path& path);

// Pillow's Image.resize(..., BILINEAR): triangle filter, widened by the reduction factor when shrinking (antialiased), 8-bit fixed-point
// arithmetic with the same rounding as Pillow, horizontal pass first. Bit-exact with Pillow. Source: Pillow's src/libImaging/Resample.c
// (method described, not copied).
Image resize_bilinear(const Image& image, int width, int height);
// Pillow's mode "F" of the same: one float plane, weights in double.
std::vector<float> resize_bilinear(std::span<const float> plane, int width, int height, int new_width, int new_height);
Image crop(const Image& image, int x, int y, int width, int height);

}  // namespace quantize
