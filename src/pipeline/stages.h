// The stations as steps of one Run, from the model and the images to the evaluated result. quantize_model() and the sub-commands compose
// them; each step leaves in the Run what the later ones need.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/stopwatch.h"
#include "encode/overrides.h"
#include "evaluate/metrics.h"
#include "model/model.h"
#include "observe/statistics.h"
#include "optimize/optimize.h"
#include "optimize/replay.h"
#include "pipeline/open_samples.h"
#include "pipeline/options.h"
#include "report/report.h"

namespace quantize {

struct Outcome {
  Report report;
  std::filesystem::path model, json, html;
  std::filesystem::path junit, markdown;  // empty where they were not asked for
};

struct Run {
  Model original;                      // as it is to be judged: the FP32 model, told to take pixels where the quantized one shall
  std::vector<InputSpec> file_inputs;  // of the FP32 model as its file is
  std::vector<InputSpec> fed_inputs;   // of `original`
  Scheme scheme;                       // with the exceptions given or found
  Plan plan;
  std::optional<Model> before_fitting;  // the plan's model, where its weights were fitted since
  Target target;                        // with the settings that the options change, and what --placement auto found
  std::vector<PlacementTrial> placement_trials;
  Overrides overrides;  // imported encodings
  Seen seen;            // of the calibration samples, before they are calibrated on
  Statistics statistics;
  std::shared_ptr<References> references;  // the float model's outputs for samples that steps are judged by, the first from preparing
  Samples samples;
  std::vector<std::vector<Tensor>> inputs;  // one or two sets to run the model on: of calibration, or made up where there are no images
  std::vector<std::size_t> probed;          // the calibration samples they are: the first that steps will be judged by
  ClassAxis axis = ClassAxis::first;
  std::size_t live_bytes = 0;  // of one sample's activations, alive at once
  std::vector<Step> steps;
  std::optional<MixedPrecision> mixed;

  // The plan's float model with FP32's weights: what its layers are compared with.
  [[nodiscard]] const Model& unfitted() const { return before_fitting ? *before_fitting : plan.model; }
};

// load, prepare, place: everything that does not depend on statistics. Without calibration images the preparation is checked on noise.
Run plan_run(const Options& options, Context& context);
// What the run will need in memory is said, and held to options.memory_limit where there is one. Of the held-out samples, only those stay
// whose outputs fit into the working memory. Nothing without calibration images: no step keeps much then. `purpose`: where no model is
// made, what the run is for.
enum class Purpose { model, sensitivity };
void budget_run(Run& run, const Options& options, Context& context, Purpose purpose = Purpose::model);
// Optimizations of the float model, before it is observed.
void equalize_run(Run& run, const Options& options, Context& context);
// calibrate: run.statistics of all calibration samples.
void observe_run(Run& run, Context& context);
// encode: run.plan.encodings from run.statistics.
void encode_run(Run& run, const Options& options, Context& context);
// What the processors that the result is for demand of the encodings; fit_run() does that too.
void guard_run(Run& run, const Options& options);
// Optimizations of the encoded model: weights, biases.
void fit_run(Run& run, const Options& options, Context& context);
// Both of the above with the exceptions from the scheme that reach options.goals.
void mix_run(Run& run, const Options& options, Context& context);

OptimizeInput optimize_input(const Run& run, const Options& options);

// Of labels that hold other numbers than the model's classes; of images for which there is nothing to compare; and of an output behind the
// first, which all figures are of, that comes out worse.
void warn_of_accuracy(const Accuracy& accuracy, const Options& options, Context& context);
// Of a machine too noisy to time on, and of a model that became slower.
void warn_of_speed(const Report& report, Context& context);
// Adds the reports, named after `model`, to the files; JUnit XML and Markdown too where they are for continuous integration.
Outcome write_reports(Report report, const std::filesystem::path& model, bool for_ci, FileTransaction& files);
// Publishes the files, and removes the reports for CI that an earlier run left there and this one did not write.
void publish_reports(const Outcome& outcome, FileTransaction& files);
// rewrite, verify, evaluate, report: writes the model and its reports, all or none of them.
Outcome finish_run(Run& run, const Options& options, const Stopwatch& watch, Context& context);

}  // namespace quantize
