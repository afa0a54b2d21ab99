#include "pipeline/evaluate_models.h"

#include <optional>

#include "base/error.h"
#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"
#include "pipeline/alike.h"
#include "pipeline/describe.h"
#include "pipeline/inspect_model.h"
#include "pipeline/on_devices.h"
#include "pipeline/output_axis.h"
#include "report/words.h"
#include "report/write_report.h"
#include "rewrite/output_type.h"
#include "run/session.h"

namespace quantize {
namespace {

// Everything would be told the wrong way round: that the model became larger, and better.
void refuse_swapped(const Options& options, const Inspection& first, const Inspection& second) {
  if (!is_quantized(first) || is_quantized(second)) return;
  throw Error(ErrorKind::usage, "the first model is the quantized one; swapped? " + options.model.string() + " holds integers, " +
                                    options.quantized.string() + " none: give the FP32 model first");
}

// FP32 gives the class of each pixel too. Returns how many classes it told apart, which what is left of its output does not say.
int make_classes(Model& fp32, ClassAxis axis, std::span<const Tensor> inputs) {
  const int classes = class_count(Session(fp32.proto).run(inputs)[0], axis);
  const Shape shape = first_output_shape(fp32.proto, inputs);
  give_classes(fp32, class_dimension(axis, shape.size()), shape);
  return classes;
}

}  // namespace

Outcome evaluate_models(const Options& options, Context& context) {
  validate_with_reports(options, std::nullopt);
  if (options.test.empty()) throw Error(ErrorKind::usage, "no test images given: --test FOLDER");
  const Stopwatch watch;
  const Model fp32 = load_model(options.model), quantized = load_model(options.quantized);
  const Inspection inspected = inspect(quantized);
  refuse_swapped(options, inspect(fp32), inspected);
  const auto file_inputs = input_specs(fp32.graph(), options.input_shape);
  Alike alike = make_alike(fp32, quantized, file_inputs, options, context);
  if (alike.classes && !alike.fp32) alike.fp32 = fp32;
  const auto& reference = alike.fp32 ? alike.fp32->proto : fp32.proto;
  const auto& judged = alike.quantized ? *alike.quantized : quantized.proto;
  const Samples samples = open_samples(options, alike.inputs, alike.preprocess, context);
  const auto [first, fed] = sample_in_both_forms(samples.test, file_inputs, options.preprocess, alike.inputs);
  ClassAxis axis = output_axis(reference, file_inputs[0].shape, options.preprocess.layout, fed);
  refuse_masks_of_255(samples.label_values, reference, samples.test, axis, options.labels);
  std::optional<int> classes;
  if (alike.classes) {
    classes = make_classes(*alike.fp32, axis, fed);
    axis = ClassAxis::first;  // of what is left, which holds classes as values
  }

  Report report = describe_models(options, fp32, quantized, samples.test);
  report.scheme = inspected.scheme;
  report.test = {options.test.string(), samples.test.fingerprint(), samples.test.size(), samples.skipped_tests};
  report.accuracy = compare_outputs(reference, judged, samples.test, axis, {options.labels, classes}, {}, context);
  warn_of_accuracy(report.accuracy, options, context);
  report.pictures = compare_pictures(reference, judged, samples.test, pictures_to_show(report.accuracy, options.pictures), axis,
                                     report.accuracy, {}, context);
  report.providers =
      evaluate_on_devices({reference, judged, reference, {}, options.quantized, classes}, samples.test, axis, options, context);
  report.kernels = kernels_in_runtime(quantized);
  if (options.latency_runs > 0) {
    report.latency = measure_latency(options.model, first, options.quantized, fed, options.latency_runs, context.threads, context);
    warn_of_speed(report, context);
  }
  if (options.measure_memory && !options.memory_command.empty()) {
    report.memory = measure_memory(options.memory_command, options.model, first, options.quantized, fed);
  }
  report.gates = check_gates(options.gates, report);
  report.warnings = context.warnings();
  report.seconds = watch.seconds();

  FileTransaction files;
  Outcome outcome = write_reports(std::move(report), options.output, options.ci_reports || options.gates.any(), files);
  context.check_stop();
  publish_reports(outcome, files);
  return outcome;
}

}  // namespace quantize
