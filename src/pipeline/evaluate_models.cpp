#include "pipeline/evaluate_models.h"

#include <optional>

#include "base/error.h"
#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"
#include "pipeline/describe.h"
#include "pipeline/inspect_model.h"
#include "pipeline/on_devices.h"
#include "report/words.h"
#include "report/write_report.h"
#include "rewrite/output_type.h"
#include "run/session.h"

namespace quantize {
namespace {

void refuse_different_interface(const Session& fp32, const Session& quantized, const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::model, file.string() + " has other " + what + " than the first model");
  };
  const auto same = [](const std::vector<ValueSpec>& a, const std::vector<ValueSpec>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const ValueSpec& x, const ValueSpec& y) { return x.name == y.name && x.type == y.type; });
  };
  if (!same(fp32.inputs(), quantized.inputs())) refuse("inputs");
  if (fp32.outputs().size() != quantized.outputs().size()) refuse("outputs");
}

// The quantized model with a first output of floats, where it gives integers that stand for those of the first model; nothing where the two
// can be compared as they are.
std::optional<onnx::ModelProto> dequantized_output(const Session& fp32, const Session& quantized, const onnx::ModelProto& model,
                                                   const std::filesystem::path& file) {
  const auto &wanted = fp32.outputs()[0], &given = quantized.outputs()[0];
  if (is_float(wanted.type) == is_float(given.type)) return std::nullopt;
  auto floats = model;
  if (is_float(wanted.type) && give_floats(floats)) return floats;
  const std::string types = "is of type " + type_name(given.type) + " where the first model gives " + type_name(wanted.type);
  throw Error(ErrorKind::model, file.string() + ": output '" + given.name + "' " + types +
                                    ", and its metadata do not say what that stands for (quantize.scale." + given.name + ")");
}

// The same, once it is sure that both can be fed and read alike; Error{model} where they cannot.
std::optional<onnx::ModelProto> checked_interface(const Model& fp32, const Model& quantized, const std::filesystem::path& file) {
  const Session first(fp32.proto), second(quantized.proto);
  refuse_different_interface(first, second, file);
  return dequantized_output(first, second, quantized.proto, file);
}

}  // namespace

Outcome evaluate_models(const Options& options, Context& context) {
  validate_with_reports(options);
  if (options.test.empty()) throw Error(ErrorKind::usage, "no test images given: --test FOLDER");
  const Stopwatch watch;
  const Model fp32 = load_model(options.model), quantized = load_model(options.quantized);
  const auto floats = checked_interface(fp32, quantized, options.quantized);
  const auto& judged = floats ? *floats : quantized.proto;
  const auto inputs = input_specs(fp32.graph(), options.input_shape);
  const Samples samples = open_samples(options, inputs, options.preprocess, context);
  const ClassAxis axis = class_axis(fp32.graph(), inputs[0].shape, options.preprocess.layout);

  Report report = describe_models(options, fp32, quantized);
  report.scheme = inspect(quantized).scheme;
  report.test = {options.test.string(), samples.test.fingerprint(), samples.test.size(), samples.skipped_tests};
  report.accuracy = compare_outputs(fp32.proto, judged, samples.test, axis, options.labels, {}, context);
  warn_of_accuracy(report.accuracy, options, context);
  report.pictures = compare_pictures(fp32.proto, judged, samples.test, pictures_to_show(report.accuracy, options.pictures), axis,
                                     report.accuracy, {}, context);
  report.providers = evaluate_on_devices({fp32.proto, judged, fp32.proto, {}, options.quantized}, samples.test, axis, options, context);
  const auto first = samples.test.load(0).inputs;
  report.kernels = kernels_in_runtime(quantized);
  if (options.latency_runs > 0) {
    report.latency = measure_latency(options.model, first, options.quantized, first, options.latency_runs, context.threads, context);
    if (const auto slower = words::slower_than_fp32(report); !slower.empty()) context.warn(slower);
  }
  if (options.measure_memory && !options.memory_command.empty()) {
    report.memory = measure_memory(options.memory_command, options.model, first, options.quantized, first);
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
