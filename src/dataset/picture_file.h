// Looks at a picture file before a decoder does: what it is, and whether all of it is there. stb_image checks neither checksums nor, for
// several formats, the end of the data, and would hand out a half gray picture without a word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/image.h"

namespace quantize {

using ByteView = std::span<const std::uint8_t>;

enum class PictureKind { jpeg, png, bmp, pnm };

// Larger pictures are refused before anything is allocated for them.
constexpr std::int64_t max_picture_pixels = std::int64_t{1} << 28;
constexpr std::int64_t max_picture_side = std::int64_t{1} << 20;

// Decided by the content, not by the name's ending. Throws Error{data} naming the file when it is empty, of another kind, cut off or
// damaged.
PictureKind check_picture(ByteView bytes, const std::string& name);
// Throws Error{data} for an empty or an overly large picture.
void check_size(std::int64_t width, std::int64_t height, const std::string& name);

struct PngChunk {
  std::string_view type;
  std::size_t offset = 0;  // of the payload
  std::size_t size = 0;
};
// The chunks of a PNG up to and with IEND, or up to where the file ends.
std::vector<PngChunk> png_chunks(ByteView bytes);
// CRC-32 over a chunk's type and payload, as stored behind it.
std::uint32_t png_checksum(ByteView bytes);

// Binary PGM (P5) and PPM (P6); samples of another range than 0..255 are scaled to it as Pillow does, 16-bit ones keep their high byte.
Image decode_pnm(ByteView bytes, const std::string& name);

}  // namespace quantize
