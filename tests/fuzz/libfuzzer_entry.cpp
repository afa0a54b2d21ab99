// libFuzzer's entry for one of the targets: FUZZ_TARGET names it.
#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quantize::fuzz::FUZZ_TARGET({data, size});
  return 0;
}
