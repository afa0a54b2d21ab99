#include "base/error.h"
#include "dataset/image.h"
#include "dataset/picture_file.h"
#include "fuzz/targets.h"

namespace quantize::fuzz {

// A PNG's checksums are put right first, or no changed PNG would get past them.
void fuzz_image(Bytes given) {
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
