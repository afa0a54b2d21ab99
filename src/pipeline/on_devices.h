// The quantized model on the runtimes and devices that the user named with --provider.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "evaluate/evaluate.h"
#include "pipeline/options.h"
#include "report/provider_report.h"

namespace quantize {

// The models to compare: as they are, and as layer by layer (`fp32_layers` computes the FP32 side of `pairs`).
struct DeviceSubjects {
  const onnx::ModelProto& fp32;
  const onnx::ModelProto& quantized;
  const onnx::ModelProto& fp32_layers;
  std::vector<TensorPair> pairs;
  std::filesystem::path file;       // the quantized model, where it lies now
  std::optional<int> classes = {};  // see Labels
};

// One report per provider. Throws Error{verification} with --strict-provider where a node falls back.
std::vector<ProviderReport> evaluate_on_devices(const DeviceSubjects& subjects, const SampleSource& samples, ClassAxis axis,
                                                const Options& options, Context& context);

}  // namespace quantize
