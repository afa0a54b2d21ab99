#include "base/error.h"
#include "dataset/image.h"
#include "dataset/picture_file.h"
#include "fuzz/targets.h"

namespace quantize::fuzz {
namespace {

constexpr std::size_t most_pixels = std::size_t{1} << 22;

// A JPEG of 600 bytes may promise 200 million pixels, and keep the promise: minutes under the sanitizers, and nothing to find.
bool is_huge_jpeg(Bytes bytes) {
  for (std::size_t i = 0; i + 8 < bytes.size(); ++i) {
    const bool starts_frame = bytes[i] == 0xFF && bytes[i + 1] >= 0xC0 && bytes[i + 1] <= 0xC2;
    const auto side = [&](std::size_t at) { return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]); };
    if (starts_frame && side(i + 5) * side(i + 7) > most_pixels) return true;
  }
  return false;
}

}  // namespace

// A PNG's checksums are put right first, or no changed PNG would get past them.
void fuzz_image(Bytes given) {
  if (is_huge_jpeg(given)) return;
  std::vector<std::uint8_t> bytes(given.begin(), given.end());
  for (const auto& chunk : png_chunks(bytes)) {
    const auto checksum = png_checksum({&bytes[chunk.offset - 4], chunk.size + 4});
    for (std::size_t i = 0; i < 4; ++i) bytes[chunk.offset + chunk.size + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
  }
  for (const int channels : {1, 3}) {
    try {
      (void)decode_image(bytes, channels, "fuzz");
    } catch (const Error&) {
    }
  }
}

}  // namespace quantize::fuzz
