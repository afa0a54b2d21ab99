#include "base/error.h"
#include "dataset/fit_tensor.h"
#include "dataset/npy.h"
#include "fuzz/targets.h"

namespace quantize::fuzz {

void fuzz_npy(Bytes bytes) {
  try {
    const Tensor tensor = parse_npy({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz");
    (void)fit_tensor(tensor, onnx::TensorProto::FLOAT, {-1, 3, -1, -1}, "fuzz");
  } catch (const Error&) {
  }
}

}  // namespace quantize::fuzz
