#include "pipeline/sensitivity.h"

#include "base/error.h"
#include "mixed/sensitivity.h"
#include "pipeline/stages.h"
#include "pipeline/version.h"

namespace quantize {

SensitivityOutcome measure_sensitivity(const Options& options, Context& context) {
  if (options.output.extension() == ".html")
    throw Error(ErrorKind::usage, "-o names the table; the page gets its name with .html: give one that ends with .json");
  validate(options, {with_ending(options.output, ".html")}, Written::json);
  require_images(options);
  Run run = plan_run(options, context);
  budget_run(run, options, context, Purpose::sensitivity);
  equalize_run(run, options, context);
  observe_run(run, context);
  encode_run(run, options, context);
  fit_run(run, options, context);
  const OptimizeInput input = optimize_input(run, options);
  const auto rows = measure_sensitivity(run.unfitted(), run.plan, run.scheme,
                                        {.load = input.load, .available = input.samples, .axis = run.axis}, context);

  SensitivityTable table;
  table.version = version();
  table.command = options.command;
  table.scheme = options.scheme.name;
  table.target = options.target;
  table.fp32.path = run.original.path.string();
  table.fp32.fingerprint = run.original.fingerprint;
  table.calibration = {options.calibration.string(), run.samples.calibration.fingerprint(), run.samples.calibration.size(),
                       run.samples.skipped};
  for (const auto& [unit, accuracy, noise] : rows) {
    table.samples = accuracy.images.size();
    table.rows.push_back({unit.kind == Unit::Kind::weights ? "weights" : "activations", unit.name, unit.op_type, unit.bits, noise,
                          accuracy.sqnr_db, accuracy.psnr_db, accuracy.psnr_db_worst, accuracy.agreement});
  }
  table.warnings = context.warnings();

  SensitivityOutcome outcome{std::move(table), options.output, options.output};
  outcome.html = with_ending(options.output, ".html");
  FileTransaction files;
  files.write(outcome.json, write_json(outcome.table));
  files.write(outcome.html, write_html(outcome.table));
  context.check_stop();
  files.publish();
  return outcome;
}

}  // namespace quantize
