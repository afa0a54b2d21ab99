#include <algorithm>
#include <cmath>
#include <functional>
#include <future>

#include "base/error.h"
#include "base/memory.h"
#include "encode/assignment_file.h"
#include "encode/foreign_encodings.h"
#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"
#include "model/graph.h"
#include "pipeline/chosen_target.h"
#include "pipeline/describe.h"
#include "pipeline/on_devices.h"
#include "pipeline/scheme_made.h"
#include "pipeline/stages.h"
#include "prepare/parity.h"
#include "prepare/passes.h"
#include "report/words.h"
#include "report/write_report.h"
#include "rewrite/merge_groups.h"
#include "rewrite/output_type.h"
#include "rewrite/point_products.h"
#include "rewrite/resize_by_products.h"
#include "rewrite/rewrite.h"
#include "rewrite/slim.h"
#include "run/session_as_target.h"
#include "verify/verify.h"

namespace quantize {
namespace {

// What the interface is expected to be: names and shapes of the original, types and dimensions of the outputs as they were asked for.
Model with_interface_of(Model original, const Model& written) {
  for (int i = 0; i < std::min(original.graph().output_size(), written.graph().output_size()); ++i) {
    auto& output = *original.graph().mutable_output(i);
    const bool changed = output.type().tensor_type().elem_type() != written.graph().output(i).type().tensor_type().elem_type();
    if (changed) *output.mutable_type() = written.graph().output(i).type();
  }
  return original;
}

// AIMET's way: the float model, its weights where the quantized ones will be, and the encodings beside it.
void export_encodings(const Run& run, const Options& options, FileTransaction& files) {
  if (options.export_encodings.empty()) return;
  files.write(options.export_encodings, write_aimet(run.plan.encodings, options.export_version));
  save_model(run.plan.model.proto, options.export_encodings.string() + ".onnx", files);
}

// The quantized model with the outputs that the options ask for, checked against the float ones on the probe inputs; Error{verification}
// where they differ. Without such an option the model itself.
Model with_outputs_as_asked(const Run& run, const Model& quantized, const Options& options) {
  Model changed = quantized;
  if (options.output_type == OutputType::floats) return changed;
  std::optional<int> axis;
  if (options.output_type == OutputType::integers) {
    if (give_integers(changed).empty())
      throw Error(ErrorKind::usage, "the model has no output of 32-bit floats, so there are no integers to give (--output-dtype int)");
  } else {
    const Shape shape = first_output_shape(quantized.proto, run.inputs[0]);
    axis = class_dimension(run.axis, shape.size());
    give_classes(changed, axis, shape);
  }
  for (const auto& inputs : run.inputs) {
    for (const auto& issue : check_outputs(quantized.proto, changed.proto, axis, inputs)) throw Error(ErrorKind::verification, issue);
  }
  return changed;
}

// What only makes the model faster: checked, like every change of the graph, and undone where `fault` (or an Error) says why it is wrong.
void keep_unless(const std::function<std::string()>& fault, Run& run, Model& written, Model& faster, const std::string& step,
                 const std::string& what, const Stopwatch& watch) {
  std::string why_not;
  try {
    why_not = fault();
  } catch (const Error& error) {
    why_not = error.what();
  }
  if (why_not.empty()) written = std::move(faster);
  run.steps.push_back({step, what + (why_not.empty() ? "" : "; undone: " + why_not), watch.seconds()});
}

// `change` returns how many places it found, each of which is a `what`, `rest`. On a probe input no output may move.
void speed_up(Run& run, Model& written, const std::string& step, const std::string& what, const std::string& rest, int (*change)(Model&),
              const Context& context) {
  const Stopwatch watch;
  Model faster = written;
  const int changed = change(faster);
  if (changed == 0) return;
  const auto fault = [&] {
    const ParityRuns runs{.threads = context.threads};
    const bool same = ParityCheck(written.proto, std::span(run.inputs).first(1), runs).measure(faster.proto).same;
    return std::string(same ? "" : "it moved an output");
  };
  keep_unless(fault, run, written, faster, step, words::count(static_cast<std::size_t>(changed), what) + rest, watch);
}

// 1x1 convolutions with a float result; each is checked by itself.
void multiply_points_of(Run& run, Model& written, const Options& options) {
  const Stopwatch watch;
  Model faster = written;
  const auto products = multiply_points(faster, results_within_pairs(run.plan.model, run.plan.placement, !pairs_matter(options)));
  if (products.empty()) return;
  const auto fault = [&] { return std::string(are_same_products(written, faster, products) ? "" : "they gave other values"); };
  keep_unless(fault, run, written, faster, "point-products",
              counted(products.size(), "1x1 convolution", "1x1 convolutions") + " as integer matrix products", watch);
}

void speed_up_for(const Target& target, Run& run, Model& written, const Context& context) {
  if (target.merge_groups) speed_up(run, written, "merge-groups", "convolution", " with fewer and larger groups", merge_groups, context);
  if (target.resize_by_products)
    speed_up(run, written, "resize-by-products", "linear Resize", " as two matrix products", resize_by_products, context);
}

// `layers`: the quantized model with every tensor that the plan rounds, for comparing tensor by tensor.
void evaluate(Report& report, const Run& run, const Model& quantized, const Model& layers, const std::filesystem::path& file,
              const Options& options, Context& context) {
  const auto& test = run.samples.test;
  const SessionOptions as_target = session_as_target(run.target);
  if (test.size() > 0) {
    report.accuracy = compare_outputs(run.original.proto, quantized.proto, test, run.axis, {options.labels}, as_target, context);
    warn_of_accuracy(report.accuracy, options, context);
    const auto pairs = tensor_pairs(run.plan, layers);
    report.layers = compare_layers(run.unfitted().proto, layers.proto, pairs, test, 4, as_target, context);
    report.histograms = worst_histograms(report.layers, run.plan, run.statistics, 12);
    report.pictures = compare_pictures(run.original.proto, quantized.proto, test, pictures_to_show(report.accuracy, options.pictures),
                                       run.axis, report.accuracy, as_target, context);
    report.providers =
        evaluate_on_devices({run.original.proto, layers.proto, run.unfitted().proto, pairs, file}, test, run.axis, options, context);
  }
  const auto& images = test.size() > 0 ? test : run.samples.calibration;
  const auto [fp32_inputs, inputs] = sample_in_both_forms(images, run.file_inputs, options.preprocess, run.fed_inputs);
  if (options.latency_runs > 0) {
    report.latency = measure_latency(options.model, fp32_inputs, file, inputs, options.latency_runs, context.threads, context);
    warn_of_speed(report, context);
    if (as_target.fuse_quantized && run.target.provider.empty()) {  // elsewhere the time on this machine says nothing about the target's
      if (const auto over = words::over_latency_budget(report); !over.empty()) context.warn(over);
    }
  }
  if (options.measure_memory && !options.memory_command.empty()) {
    report.memory = measure_memory(options.memory_command, options.model, fp32_inputs, file, inputs);
  }
}

DataFacts facts_of(const std::filesystem::path& folder, const SampleSource& samples, std::vector<std::string> skipped) {
  if (samples.size() == 0) return {};
  return {folder.string(), samples.fingerprint(), samples.size(), std::move(skipped)};
}

// --quantize-outputs cannot reach what an operator without an integer kernel makes: the model is then not all integer at its end.
void warn_of_float_outputs(const Run& run, const Options& options, Context& context) {
  if (!options.quantize_outputs) return;
  const GraphIndex index(run.plan.model.graph());
  for (const auto& output : run.plan.model.graph().output()) {
    const auto* maker = index.producer(output.name());
    if (maker == nullptr || run.plan.encodings.activations.contains(output.name())) continue;
    context.warn("--quantize-outputs leaves output '" + output.name() + "' float: " + describe(*maker) +
                 ", which makes it, is not quantized");
  }
}

}  // namespace

Outcome write_reports(Report report, const std::filesystem::path& model, bool for_ci, FileTransaction& files) {
  const auto [json, html, junit, markdown] = report_files(model);
  Outcome outcome{.report = {}, .model = model, .json = json, .html = html, .junit = {}, .markdown = {}};
  files.write(json, write_json(report));
  files.write(html, write_html(report));
  if (for_ci) {
    files.write(outcome.junit = junit, write_junit(report));
    files.write(outcome.markdown = markdown, write_markdown(report));
  }
  outcome.report = std::move(report);
  return outcome;
}

void publish_reports(const Outcome& outcome, FileTransaction& files) {
  files.publish();
  if (!outcome.junit.empty()) return;
  std::error_code code;
  const auto earlier = report_files(outcome.model);
  for (const auto& file : {earlier.junit, earlier.markdown}) std::filesystem::remove(file, code);
}

Outcome finish_run(Run& run, const Options& options, const Stopwatch& watch, Context& context) {
  if (run.overrides.empty() && options.encodings.empty()) {
    for (const auto& issue : check_bits(run.plan.placement, run.plan.encodings, run.scheme)) throw Error(ErrorKind::verification, issue);
  }
  const std::string scheme = scheme_made(run, options, context);
  warn_of_float_outputs(run, options, context);
  FileTransaction files;
  const Target target = target_to_write_for(run.target, options);
  const Model rounded = rewrite(run.plan.model, run.plan.placement, run.plan.encodings);
  Model quantized = rounded;
  if (target.point_products) multiply_points_of(run, quantized, options);
  Model written = with_outputs_as_asked(run, quantized, options);
  speed_up_for(target, run, written, context);
  // In the background, of a copy: slim() takes the names.
  auto kernels = std::async(std::launch::async, [written, &run] { return kernels_in_runtime(written, node_decisions(run.plan)); });
  const Stopwatch writing;
  slim(written.proto, run.target.computes_constants);
  const auto file = save_model(written.proto, options.output, files, written.limits);
  verify(with_interface_of(run.original, written), run.plan.model, file, run.plan.placement, run.plan.encodings, run.inputs[0]);
  export_encodings(run, options, files);
  run.steps.push_back({"write", "saved, read back and verified", writing.seconds()});

  Report report = describe_run(options, run.original, written, file, run.plan, run.samples.calibration);
  report.scheme = scheme;
  report.kernels = kernels.get();
  report.placement = run.placement_trials;
  report.steps = run.steps;
  for (const auto& note : context.notes()) report.steps.push_back({"hazard", note, 0});
  report.mixed = run.mixed;
  if (const auto over = words::over_size_budget(report); !over.empty()) context.warn(over);
  report.calibration = facts_of(options.calibration, run.samples.calibration, run.samples.skipped);
  report.test = facts_of(options.test.empty() ? options.calibration : options.test, run.samples.test, run.samples.skipped_tests);
  const Stopwatch evaluating;
  release_free_memory();  // of what came before: these sessions allocate in other sizes
  evaluate(report, run, quantized, rounded, file, options, context);
  report.steps.push_back({"evaluate", counted(run.samples.test.size(), "sample", "samples"), evaluating.seconds()});
  report.gates = check_gates(options.gates, report);
  report.warnings = context.warnings();
  report.seconds = watch.seconds();
  Outcome outcome = write_reports(std::move(report), options.output, options.ci_reports || options.gates.any(), files);
  if (!options.save_assignment.empty()) {  // nodes left float are listed too
    const auto all = place(run.plan.model, run.target, options.exclusions);
    files.write(options.save_assignment, write_assignment(run.scheme, all, run.original));
  }
  context.check_stop();
  publish_reports(outcome, files);
  return outcome;
}

}  // namespace quantize
