// Any bytes at all: decode_image returns a picture or throws an Error. A PNG's checksums are put right first, or no changed PNG would get
// past them.
#include "base/error.h"
#include "dataset/image.h"
#include "dataset/picture_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  for (const auto& chunk : quantize::png_chunks(bytes)) {
    const auto checksum = quantize::png_checksum({&bytes[chunk.offset - 4], chunk.size + 4});
    for (std::size_t i = 0; i < 4; ++i) bytes[chunk.offset + chunk.size + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
  }
  for (const int channels : {1, 3}) {
    try {
      (void)quantize::decode_image(bytes, channels, "fuzz");
    } catch (const quantize::Error&) {  // the expected answer to nonsense
    }
  }
  return 0;
}
