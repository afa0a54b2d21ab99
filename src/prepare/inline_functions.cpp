// Local functions, as torch.onnx and onnxscript write them, become the nodes of their bodies: no later pass looks into a function.
#include <onnx/inliner/inliner.h>

#include "base/error.h"
#include "prepare/passes.h"

namespace quantize {

std::string inline_functions(Model& model) {
  const int before = model.proto.functions_size();
  if (before == 0) return {};
  try {
    onnx::inliner::InlineLocalFunctions(model.proto, true);  // bodies of another opset become those of the model's
  } catch (const std::exception& error) {
    throw Error(ErrorKind::verification, std::string("the model's local functions cannot be inlined: ") + error.what());
  }
  const auto inlined = static_cast<std::size_t>(before - model.proto.functions_size());
  if (inlined > 0) unpack_constants(model);
  return counted(inlined, "function", "functions");
}

}  // namespace quantize
