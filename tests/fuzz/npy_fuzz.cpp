// Any bytes at all: parse_npy returns a tensor or throws an Error.
#include "base/error.h"
#include "dataset/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)quantize::parse_npy({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const quantize::Error&) {  // the expected answer to nonsense
  }
  return 0;
}
