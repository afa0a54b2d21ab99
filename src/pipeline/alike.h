// Two models of one network that take and give different forms of the same: told to be fed and read alike, so that they can be compared.
#pragma once

#include <optional>
#include <vector>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "model/model.h"
#include "pipeline/options.h"

namespace quantize {

// The models are as they were where there is none here: they may be large.
struct Alike {
  std::optional<Model> fp32;                  // takes pixels, in the quantized model's order, as that does
  std::optional<onnx::ModelProto> quantized;  // gives floats where it gave the integers that stand for them
  std::vector<InputSpec> inputs;              // of both
  Preprocess preprocess;
  bool classes = false;  // the quantized model gives classes where FP32 gives a score for each
};

// Throws Error{model} where the two cannot be compared. `file_inputs` are those of the FP32 model. Warns where the quantized model makes
// something else of pixels than FP32 is told to.
Alike make_alike(const Model& fp32, const Model& quantized, const std::vector<InputSpec>& file_inputs, const Options& options,
                 Context& context);

}  // namespace quantize
