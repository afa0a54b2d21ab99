#include "pipeline/quantize_model.h"

#include "base/error.h"
#include "encode/assignment_file.h"
#include "encode/foreign_encodings.h"
#include "pipeline/describe.h"
#include "pipeline/stages.h"
#include "report/write_report.h"
#include "rewrite/rewrite.h"
#include "rewrite/slim.h"
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

}  // namespace

Outcome quantize_model(const Options& options, Context& context) {
  validate(options);
  const Stopwatch watch;
  Run run = plan_run(options, context);
  equalize_run(run, options, context);
  observe_run(run, context);
  if (options.goals.empty()) {
    encode_run(run, options, context);
    fit_run(run, options, context);
  } else {
    mix_run(run, options, context);
  }
  if (run.overrides.empty()) {  // imported encodings bring their own types
    for (const auto& issue : check_bits(run.plan.placement, run.plan.encodings, run.scheme)) throw Error(ErrorKind::verification, issue);
  }

  FileTransaction files;
  const Model quantized = rewrite(run.plan.model, run.plan.placement, run.plan.encodings);
  Model written = with_outputs_as_asked(run, quantized, options);
  slim(written.proto);
  const auto file = save_model(written.proto, options.output, files, written.limits);
  verify(with_interface_of(run.original, written), run.plan.model, file, run.plan.placement, run.plan.encodings,
         run.samples.calibration.load(0).inputs);

  export_encodings(run, options, files);

  Report report = describe_run(options, run.original, written, file, run.plan);
  report.steps = run.steps;
  for (const auto& note : context.notes()) report.steps.push_back({"hazard", note, 0});
  report.mixed = run.mixed;
  report.calibration = {options.calibration.string(), run.samples.calibration.fingerprint(), run.samples.calibration.size(),
                        run.samples.skipped};
  report.test = {
      (options.test.empty() ? options.calibration : options.test).string(), run.samples.test.fingerprint(), run.samples.test.size(), {}};
  evaluate_run(report, run, quantized, file, options, context);
  report.warnings = context.warnings();
  report.seconds = watch.seconds();

  Outcome outcome{std::move(report), options.output, options.output, options.output};
  outcome.json.replace_extension(".report.json");
  outcome.html.replace_extension(".report.html");
  files.write(outcome.json, write_json(outcome.report));
  files.write(outcome.html, write_html(outcome.report));
  if (!options.save_assignment.empty()) {  // nodes left float are listed too
    const auto all = place(run.plan.model, target_of(options), options.exclusions);
    files.write(options.save_assignment, write_assignment(run.scheme, all, run.original));
  }
  context.check_stop();
  files.publish();
  return outcome;
}

std::string dry_run(const Options& options, Context& context) {
  validate(options);
  const Run run = plan_run(options, context);
  return describe_plan(run.original, run.plan, run.scheme);
}

}  // namespace quantize
