#include "base/error.h"
#include "encode/placement.h"
#include "fuzz/targets.h"
#include "model/model.h"
#include "prepare/prepare.h"

namespace quantize::fuzz {

void fuzz_model(Bytes bytes) {
  try {
    const Model model = parse_model({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz/model.onnx");
    refuse_quantized(model);
    refuse_bad_weights(model.graph());
    (void)place(model, find_target("ort-cpu"));
  } catch (const Error&) {
  }
}

}  // namespace quantize::fuzz
