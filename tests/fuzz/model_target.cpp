#include "base/error.h"
#include "fuzz/targets.h"
#include "model/graph.h"
#include "model/model.h"
#include "prepare/prepare.h"

namespace quantize::fuzz {

// What happens before ONNX Runtime has had a look. What comes after may count on a model that it accepts: ONNX's own shape inference reads
// out of bounds where a Conv's weight and input are of different rank (crashes/model/conv_of_other_rank.onnx), which ONNX Runtime refuses.
void fuzz_model(Bytes bytes) {
  try {
    const Model model = parse_model({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz/model.onnx");
    refuse_quantized(model);
    refuse_bad_weights(model.graph());
    for (const auto* input : fed_inputs(model.graph())) (void)GraphIndex(model.graph()).uses(input->name());
  } catch (const Error&) {
  }
}

}  // namespace quantize::fuzz
