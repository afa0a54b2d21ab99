// EVALUATE on the device: the quantized model run by another provider, beside FP32 and ONNX Runtime's CPU provider.
#pragma once

#include <filesystem>
#include <span>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "evaluate/evaluate.h"
#include "report/provider_report.h"
#include "run/provider.h"

namespace quantize {

struct ProviderRunOptions {
  bool allow_fallback = true;  // false: Error{verification} naming the nodes that the provider does not take
  std::size_t images = 0;      // of the samples, evenly spread; 0: all, or 2 on a simulator
  std::size_t layers = 10;     // how many of the worst layers to name; 0: layers are not looked at
  Labels labels = {};
  int latency_runs = 0;  // 0: the time of the evaluation's own runs
};

// `pairs` are the tensors that both `fp32_layers` (FP32 too, prepared) and the quantized model compute, for the comparison layer by layer
// on the first image.
ProviderReport compare_on_provider(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, std::span<const TensorPair> pairs,
                                   const onnx::ModelProto& fp32_layers, const SampleSource& samples, ClassAxis axis,
                                   const Provider& provider, const ProviderRunOptions& options, Context& context);

}  // namespace quantize
