#include "dataset/picture_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <numeric>

#include "dataset/bad_file.h"

namespace quantize {
namespace {

constexpr std::size_t png_signature_size = 8, png_chunk_frame = 12;  // length, type and checksum around each payload

bool starts_with(ByteView bytes, std::string_view start) {
  return bytes.size() >= start.size() &&
         std::equal(start.begin(), start.end(), bytes.begin(), [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

std::uint32_t little(ByteView bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

std::uint32_t big(ByteView bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

// What stb_image (up to 2.27, Debian 12) takes on trust in a JPEG: that the code counts of a Huffman table fit (it writes past the end of
// its own where they do not), and that a scan uses only tables that were defined (it reads whatever lies in memory else).
class JpegTables {
 public:
  // Of a DHT segment. False where it makes no sense.
  bool define(ByteView segment) {
    constexpr std::size_t counts = 16, most_codes = 256;
    while (!segment.empty()) {
      if (segment.size() < 1 + counts) return false;
      const auto codes = std::accumulate(segment.begin() + 1, segment.begin() + 1 + counts, std::size_t{0});
      if (codes > most_codes || segment.size() < 1 + counts + codes) return false;
      defined_[segment[0]] = true;
      segment = segment.subspan(1 + counts + codes);
    }
    return true;
  }

  // Whether the tables that a scan header (SOS) names are there: those of the DC coefficients, the AC ones, or both.
  [[nodiscard]] bool serve(ByteView scan) const {
    const std::size_t components = scan.empty() ? 0 : scan[0];
    if (components == 0 || scan.size() < 1 + 2 * components + 3) return false;
    const auto* spectrum = &scan[1 + 2 * components];  // first and last coefficient, precision
    const bool needs_dc = spectrum[0] == 0 && (spectrum[2] >> 4) == 0, needs_ac = spectrum[1] != 0;
    for (std::size_t i = 0; i < components; ++i) {
      const unsigned tables = scan[2 + 2 * i], dc = tables >> 4, ac = 0x10 | (tables & 15);
      if ((needs_dc && !defined_[dc]) || (needs_ac && !defined_[ac])) return false;
    }
    return true;
  }

 private:
  std::array<bool, 256> defined_{};  // by class and number as the file writes them: 0x00.. DC, 0x10.. AC
};

// Follows segments and scans to the end-of-image marker. A search for its two bytes would not do: an embedded thumbnail has one too.
void check_jpeg(ByteView bytes, const std::string& name) {
  JpegTables tables;
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    const unsigned marker = bytes[at + 1];
    const bool is_marker = bytes[at] == 0xFF && marker != 0x00 && marker != 0xFF;  // FF 00 is a pixel byte of a scan, FF FF is padding
    const bool has_length = marker != 0x01 && (marker < 0xD0 || marker > 0xD8);
    if (!is_marker) {
      ++at;
    } else if (marker == 0xD9) {
      return;
    } else if (!has_length) {
      at += 2;
    } else {
      if (at + 3 >= bytes.size()) break;
      const std::size_t length = big(bytes, at + 2, 2);  // counts its own two bytes
      if (length > bytes.size() - at - 2) break;
      const auto segment = length >= 2 ? bytes.subspan(at + 4, length - 2) : ByteView{};
      const bool is_fine = length >= 2 && (marker != 0xC4 || tables.define(segment)) && (marker != 0xDA || tables.serve(segment));
      if (!is_fine) bad_file(name, "the JPEG file is damaged");
      at += 2 + length;
    }
  }
  bad_file(name, "the JPEG file is cut off (it has no end marker)");
}

// True also for headers that make no sense: the decoder has a message for those.
bool bmp_is_complete(ByteView bytes) {
  if (bytes.size() < 30) return false;
  const std::uint64_t offset = little(bytes, 10, 4);
  const bool old_header = little(bytes, 14, 4) == 12;  // OS/2: 16-bit width and height
  const std::int64_t width = old_header ? little(bytes, 18, 2) : static_cast<std::int32_t>(little(bytes, 18, 4));
  const std::int64_t height = old_header ? little(bytes, 20, 2) : static_cast<std::int32_t>(little(bytes, 22, 4));
  const std::uint32_t bits = little(bytes, old_header ? 24 : 28, 2);
  if (width <= 0 || height == 0 || bits == 0 || bits > 32) return true;
  const auto row_bits = static_cast<std::uint64_t>(width) * bits;
  const auto rows_before_last = static_cast<std::uint64_t>(std::abs(height)) - 1;
  return bytes.size() >= offset + rows_before_last * ((row_bits + 31) / 32 * 4) + (row_bits + 7) / 8;
}

void check_png(ByteView bytes, const std::string& name) {
  const auto chunks = png_chunks(bytes);
  if (chunks.empty() || chunks.back().type != "IEND") bad_file(name, "the PNG file is cut off");
  if (chunks.front().type != "IHDR" || chunks.front().size != 13) {
    bad_file(name, "the PNG file is damaged (its header is not where it should be)");
  }
  for (const auto& chunk : chunks) {
    const bool needed = std::isupper(static_cast<unsigned char>(chunk.type[0])) != 0;  // lower case: may be ignored, as text or a date
    const auto body = bytes.subspan(chunk.offset - 4, chunk.size + 4);
    if (needed && png_checksum(body) != big(bytes, chunk.offset + chunk.size, 4)) {
      bad_file(name, "the PNG file is damaged (checksum of its " + std::string(chunk.type) + " chunk)");
    }
  }
  check_size(big(bytes, chunks.front().offset, 4), big(bytes, chunks.front().offset + 4, 4), name);
}

constexpr std::array<std::uint32_t, 256> make_checksum_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}

}  // namespace

std::uint32_t png_checksum(ByteView bytes) {
  static constexpr auto table = make_checksum_table();
  std::uint32_t value = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) value = table[(value ^ byte) & 0xFF] ^ (value >> 8);
  return ~value;
}

std::vector<PngChunk> png_chunks(ByteView bytes) {
  std::vector<PngChunk> chunks;
  std::size_t at = png_signature_size;
  while (at + png_chunk_frame <= bytes.size()) {
    const std::size_t size = big(bytes, at, 4);
    if (size > bytes.size() - at - png_chunk_frame) break;
    chunks.push_back({{reinterpret_cast<const char*>(bytes.data()) + at + 4, 4}, at + 8, size});
    if (chunks.back().type == "IEND") break;
    at += png_chunk_frame + size;
  }
  return chunks;
}

void check_size(std::int64_t width, std::int64_t height, const std::string& name) {
  if (width <= 0 || height <= 0) bad_file(name, "the picture is empty (" + std::to_string(width) + "x" + std::to_string(height) + ")");
  if (width > max_picture_side || height > max_picture_side || width * height > max_picture_pixels) {
    bad_file(name, "the picture is too large (" + std::to_string(width) + "x" + std::to_string(height) + ", at most " +
                       std::to_string(max_picture_pixels) + " pixels)");
  }
}

PictureKind check_picture(ByteView bytes, const std::string& name) {
  if (bytes.empty()) bad_file(name, "the file is empty");
  if (starts_with(bytes, "\xFF\xD8\xFF")) {
    check_jpeg(bytes, name);
    return PictureKind::jpeg;
  }
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n")) {
    check_png(bytes, name);
    return PictureKind::png;
  }
  if (starts_with(bytes, "BM")) {
    if (!bmp_is_complete(bytes)) bad_file(name, "the BMP file is cut off");
    return PictureKind::bmp;
  }
  if (starts_with(bytes, "P5") || starts_with(bytes, "P6")) return PictureKind::pnm;
  bad_file(name, "not a JPEG, PNG, BMP, binary PPM or binary PGM picture");
}

}  // namespace quantize
