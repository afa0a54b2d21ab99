// `quantize compile`: a quantized model -> context binaries for NPU generations, each with its wrapper ONNX and a JSON of facts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/context.h"
#include "report/provider_report.h"

namespace quantize {

struct CompileOptions {
  std::filesystem::path model;
  std::filesystem::path folder;  // where the results go; empty: beside the model
  std::string target = "qnn";
  std::vector<std::string> htp_archs = {"75"};
  std::string soc_model;  // the SoC's number; empty: any of that architecture
  std::string provider;   // another plugin than the installed one, in the form of --provider
};

// Writes <model stem>.<target><arch>.onnx, the binary that it names and <model stem>.<target><arch>.json for each architecture, all or none
// of them. Throws Error{usage} for a target that is not compiled ahead of time and for a generation that is not known or stands twice,
// Error{model} where the model is not quantized and, with the provider's reason, where it is not accepted whole.
std::vector<CompiledContext> compile_model(const CompileOptions& options, Context& context);

}  // namespace quantize
