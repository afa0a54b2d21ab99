// Pictures: decoding and resizing. The only folder that includes stb_image.
#pragma once

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

// Decodes JPEG, PNG, BMP, PPM/PGM; 16-bit pictures are reduced to 8 bits (high byte), alpha is dropped, gray becomes RGB when channels is 3
// and the reverse with Pillow's weights (ITU-R 601: (19595 R + 38470 G + 7471 B + 0x8000) >> 16). Throws Error{data} naming the file.
Image read_image(const std::filesystem::path& path, int channels);
Image decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name);
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
