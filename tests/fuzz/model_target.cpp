#include "base/error.h"
#include "fuzz/targets.h"
#include "model/graph.h"
#include "model/model.h"
#include "prepare/prepare.h"
#include "prepare/value_types.h"

namespace quantize::fuzz {

// What happens before ONNX Runtime has had a look. What comes after may count on a model that it accepts.
void fuzz_model(Bytes bytes) {
  try {
    const Model model = parse_model({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz/model.onnx");
    refuse_quantized(model);
    refuse_bad_weights(model.graph());
    (void)ValueTypes(model.proto);
    for (const auto* input : fed_inputs(model.graph())) (void)GraphIndex(model.graph()).uses(input->name());
  } catch (const Error&) {
  }
}

}  // namespace quantize::fuzz
