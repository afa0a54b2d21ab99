#include "pipeline/stages.h"

#include "base/error.h"
#include "evaluate/evaluate.h"
#include "model/graph.h"
#include "observe/calibrate.h"
#include "pipeline/describe.h"
#include "pipeline/first_nonfinite.h"
#include "prepare/prepare.h"
#include "run/session.h"

namespace quantize {
namespace {

std::vector<InputSpec> input_specs(const Session& session, const Shape& first_shape) {
  std::vector<InputSpec> specs;
  for (const auto& input : session.inputs()) specs.push_back({input.name, input.type, input.shape});
  if (specs.empty()) throw Error(ErrorKind::model, "the model has no input");
  if (first_shape.empty()) return specs;
  auto& shape = specs[0].shape;
  if (shape.size() != first_shape.size()) {
    throw Error(ErrorKind::usage, "--input-shape " + to_string(first_shape) + " does not fit the model's input " + to_string(shape));
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0 && shape[i] != first_shape[i]) {
      throw Error(ErrorKind::usage, "--input-shape " + to_string(first_shape) + " contradicts the model's input " + to_string(shape));
    }
    shape[i] = first_shape[i];
  }
  return specs;
}

Samples open_samples(const Options& options, const std::vector<InputSpec>& inputs, Context& context) {
  std::vector<std::string> skipped;
  const auto usable = [&](const std::filesystem::path& folder, std::size_t limit) {
    const auto source = SampleSource::open(folder, inputs, options.preprocess).evenly(limit).readable([&](const std::string& reason) {
      if (options.strict) throw Error(ErrorKind::data, reason);
      context.warn("skipped " + reason);
      skipped.push_back(reason);
    });
    if (source.size() == 0) throw Error(ErrorKind::data, folder.string() + " holds no readable image");
    return source;
  };
  const auto everything = static_cast<std::size_t>(-1);
  SampleSource calibration = usable(options.calibration, options.samples);
  if (!options.test.empty()) {
    SampleSource test = usable(options.test, everything);
    return {std::move(calibration), std::move(test), std::move(skipped)};
  }
  auto [rest, held_out] = calibration.hold_out(options.holdout);
  return {std::move(rest), std::move(held_out), std::move(skipped)};
}

ClassAxis class_axis(const std::vector<InputSpec>& inputs, const Preprocess& preprocess) {
  return channels_last(inputs[0].shape, preprocess.layout) ? ClassAxis::last : ClassAxis::first;
}

// prepare() sees NaN and infinity in the model's outputs only; the user wants to know where they come from.
std::vector<PassOutcome> prepare_or_explain(Model& model, const PrepareOptions& prepare_options,
                                            std::span<const std::vector<Tensor>> inputs, const Context& context) {
  refuse_bad_weights(model.graph());
  try {
    return prepare(model, prepare_options, inputs, context);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;
    for (const auto& input : inputs) {
      const auto place = first_nonfinite(model, input);
      if (!place.empty()) throw Error(error.kind(), std::string(error.what()) + "; it begins in " + place);
    }
    throw;
  }
}

void prepare_model(Run& run, const Options& options, Context& context) {
  std::vector<std::vector<Tensor>> inputs;
  const auto& source = run.samples.calibration;
  for (const std::size_t i : {std::size_t{0}, source.size() / 2}) inputs.push_back(source.load(i).inputs);
  const std::int64_t opset = std::max<std::int64_t>(options.opset, options.scheme.lowest_opset() > 13 ? options.scheme.lowest_opset() : 0);
  for (const auto& outcome : prepare_or_explain(run.plan.model, {.opset = opset, .strict = options.strict}, inputs, context)) {
    if (outcome.status == PassOutcome::Status::unchanged) continue;
    if (outcome.status == PassOutcome::Status::undone) context.warn("preparation step " + outcome.name + " was undone: " + outcome.detail);
    run.steps.push_back({outcome.name, outcome.detail, outcome.seconds});
  }
}

Session open_session(const Model& model) {
  try {
    return Session(model.proto);
  } catch (const Error& error) {
    throw Error(error.kind(), model.path.string() + ": " + error.what());
  }
}

OptimizeInput optimize_input(const Run& run, const Options& options) {
  const auto& source = run.samples.calibration;
  return {options.scheme, [&source](std::size_t i) { return source.load(i).inputs; }, source.size(), options.seed};
}

void keep(Run& run, const std::vector<Step>& steps) { run.steps.insert(run.steps.end(), steps.begin(), steps.end()); }

}  // namespace

Run plan_run(const Options& options, Context& context) {
  Run run;
  run.original = load_model(options.model);
  refuse_quantized(run.original);
  const auto inputs = input_specs(open_session(run.original), options.input_shape);
  run.samples = open_samples(options, inputs, context);
  run.axis = class_axis(inputs, options.preprocess);
  run.plan.model = run.original;
  prepare_model(run, options, context);
  Target target = find_target(options.target);
  target.quantize_outputs |= options.quantize_outputs;
  run.plan.placement = place(run.plan.model, target, options.exclusions);
  if (run.plan.placement.weighted.empty()) {
    throw Error(ErrorKind::model,
                options.model.string() + " has no Conv, ConvTranspose, Gemm or MatMul with constant float weights to quantize");
  }
  return run;
}

void equalize_run(Run& run, const Options& options, Context& context) {
  keep(run, optimize_before_calibration(run.plan, optimize_input(run, options), options.level, context));
}

void observe_run(Run& run, const Options&, Context& context) {
  const Stopwatch watch;
  const auto& source = run.samples.calibration;
  const auto observed = run.plan.placement.observed();
  run.statistics = calibrate(
      run.plan.model, observed, [&](std::size_t i) { return source.load(i).inputs; }, source.size(), context);
  run.steps.push_back(
      {"calibrate", std::to_string(observed.size()) + " tensors over " + std::to_string(source.size()) + " samples", watch.seconds()});
}

void encode_run(Run& run, const Options& options, Context& context) {
  run.plan.encodings = encode(run.plan.model, run.plan.placement, run.statistics, options.scheme, context);
}

void fit_run(Run& run, const Options& options, Context& context) {
  keep(run, optimize_after_encoding(run.plan, optimize_input(run, options), options.level, context));
}

void evaluate_run(Report& report, const Run& run, const Model& quantized, const std::filesystem::path& file, const Options& options,
                  Context& context) {
  const auto& test = run.samples.test;
  report.accuracy = compare_outputs(run.original.proto, quantized.proto, test, run.axis, options.labels, context);
  report.layers = compare_layers(run.plan.model.proto, quantized.proto, tensor_pairs(run.plan, quantized), test, 4, context);
  report.histograms = worst_histograms(report.layers, run.plan, run.statistics, 12);
  report.pictures = compare_pictures(run.original.proto, quantized.proto, test, pictures_to_show(report.accuracy, options.pictures),
                                     run.axis, options.preprocess, report.accuracy, context);
  const auto inputs = test.load(0).inputs;
  if (options.latency_runs > 0) {
    report.latency = measure_latency(options.model, file, inputs, options.latency_runs, context.threads, context);
  }
  if (options.measure_memory && !options.memory_command.empty()) {
    report.memory = measure_memory(options.memory_command, options.model, file, inputs);
  }
}

}  // namespace quantize
