// The stations as steps of one Run, from the model and the images to the evaluated result. quantize_model() and the sub-commands compose
// them; each step leaves in the Run what the later ones need.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "encode/overrides.h"
#include "evaluate/metrics.h"
#include "model/model.h"
#include "observe/statistics.h"
#include "optimize/optimize.h"
#include "pipeline/options.h"
#include "report/report.h"

namespace quantize {

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Samples {
  SampleSource calibration, test;
  std::vector<std::string> skipped;
  std::optional<SampleSource> held_out =
      std::nullopt;  // taken out of calibration where a target is to be reached: they decide whether it is
};

struct Run {
  Model original;                      // as it is to be judged: the FP32 model, told to take pixels where the quantized one shall
  std::vector<InputSpec> file_inputs;  // of the FP32 model as its file is
  Scheme scheme;                       // with the exceptions given or found
  Plan plan;
  Overrides overrides;  // imported encodings
  Statistics statistics;
  Samples samples;
  ClassAxis axis = ClassAxis::first;
  std::vector<Step> steps;
  std::optional<MixedPrecision> mixed;
};

// load, prepare, place: everything that does not depend on statistics.
Run plan_run(const Options& options, Context& context);
// Optimizations of the float model, before it is observed.
void equalize_run(Run& run, const Options& options, Context& context);
// calibrate: run.statistics of all calibration samples.
void observe_run(Run& run, Context& context);
// encode: run.plan.encodings from run.statistics.
void encode_run(Run& run, const Options& options, Context& context);
// Optimizations of the encoded model: weights, biases.
void fit_run(Run& run, const Options& options, Context& context);
// Both of the above with the exceptions from the scheme that reach options.goals.
void mix_run(Run& run, const Options& options, Context& context);

// The target with the settings that the options change.
Target target_of(const Options& options);
OptimizeInput optimize_input(const Run& run, const Options& options);

// The quantized model with the outputs that the options ask for, checked against the float ones on calibration samples; Error{verification}
// where they differ. Without such an option the model itself.
Model with_outputs_as_asked(const Run& run, const Model& quantized, const Options& options);

// Every figure of `report` that comes from running both models on the test samples. `file`: where the quantized model lies.
void evaluate_run(Report& report, const Run& run, const Model& quantized, const std::filesystem::path& file, const Options& options,
                  Context& context);

}  // namespace quantize
