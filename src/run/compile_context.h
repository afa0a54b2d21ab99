// Ahead-of-time compilation for an NPU: a quantized model becomes a binary that the NPU loads as it is, and a small ONNX that names it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "run/provider.h"

namespace quantize {

struct CompiledFiles {
  std::filesystem::path wrapper, binary;
  std::vector<std::pair<std::string, std::string>> facts;  // of the provider: "spill and fill bytes", "SDK", "compatibility"
  double seconds = 0;
};

// Writes `wrapper` (one EPContext node) and the binary beside it, then loads the wrapper again. `provider` has to be one that compiles; its
// options say for what ("htp_arch", "soc_model"). Throws Error{model} with the provider's reason where a node is not accepted.
CompiledFiles compile_context(const std::filesystem::path& model, const std::filesystem::path& wrapper, const Provider& provider);

}  // namespace quantize
