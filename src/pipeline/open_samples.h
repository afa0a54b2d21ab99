// The images of a run: which are observed and which are kept for evaluation.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "model/tensor.h"
#include "pipeline/check_labels.h"
#include "pipeline/options.h"

namespace quantize {

struct Samples {
  SampleSource calibration, test;    // empty where no images were given
  std::vector<std::string> skipped;  // unreadable calibration files, with the reason
  std::optional<SampleSource> held_out =
      std::nullopt;                             // taken out of calibration where a target is to be reached: they decide whether it is
  std::vector<std::string> skipped_tests = {};  // unreadable test files
  LabelValues label_values = {};                // of the test images' labels

  // Kept of large pictures for as long as the samples are.
  [[nodiscard]] std::size_t shown_bytes() const { return calibration.shown_bytes() + test.shown_bytes(); }
};

// What the model wants to be fed, its free dimensions filled in from `first_shape` (--input-shape) where that is given.
std::vector<InputSpec> input_specs(const onnx::GraphProto& graph, const Shape& first_shape);

// At most options.samples of the calibration folder, the unreadable ones left out, then those held out for evaluation where there is no
// test folder. A shard is taken of what is left, so that it does not depend on the division.
Samples open_samples(const Options& options, const std::vector<InputSpec>& inputs, const Preprocess& preprocess, Context& context);

// Sets of inputs to run the model on: these of the images; where there are none, one of noise in [-1, 1] (zeros for integers).
std::vector<std::vector<Tensor>> probe_inputs(const SampleSource& images, const std::vector<InputSpec>& inputs,
                                              const std::vector<std::size_t>& samples = {0});

// One item of the images as the FP32 model's file takes it, and as the quantized model does, to which `images` are fed; noise for each
// where there are no images. Of one size where dimensions are free, so that what the two models take for it can be compared.
struct BothForms {
  std::vector<Tensor> file, fed;
};
BothForms sample_in_both_forms(const SampleSource& images, const std::vector<InputSpec>& file_inputs, const Preprocess& file_preprocess,
                               const std::vector<InputSpec>& fed_inputs);

}  // namespace quantize
