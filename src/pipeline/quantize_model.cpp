#include "pipeline/quantize_model.h"

#include "pipeline/describe.h"
#include "pipeline/stages.h"
#include "report/write_report.h"
#include "rewrite/rewrite.h"
#include "verify/verify.h"

namespace quantize {

Outcome quantize_model(const Options& options, Context& context) {
  validate(options);
  const Stopwatch watch;
  Run run = plan_run(options, context);
  equalize_run(run, options, context);
  observe_run(run, options, context);
  encode_run(run, options, context);
  fit_run(run, options, context);

  FileTransaction files;
  const Model quantized = rewrite(run.plan.model, run.plan.placement, run.plan.encodings);
  const auto file = save_model(quantized.proto, options.output, files);
  verify(run.original, run.plan.model, file, run.plan.placement, run.plan.encodings, run.samples.calibration.load(0).inputs);

  Report report = describe_run(options, run.original, quantized, file, run.plan);
  report.steps = run.steps;
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
  context.check_stop();
  files.publish();
  return outcome;
}

std::string dry_run(const Options& options, Context& context) {
  validate(options);
  const Run run = plan_run(options, context);
  return describe_plan(run.original, run.plan, options.scheme);
}

}  // namespace quantize
