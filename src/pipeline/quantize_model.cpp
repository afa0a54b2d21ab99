#include "pipeline/quantize_model.h"

#include "base/memory.h"
#include "pipeline/chosen_target.h"
#include "pipeline/describe.h"

namespace quantize {

Outcome quantize_model(const Options& options, Context& context) {
  validate_with_reports(options, Written::model);
  require_images(options);
  const Stopwatch watch;
  Run run = plan_run(options, context);
  const auto stage_ends = [&](const char* step) {
    context.debug("memory: " + std::to_string(peak_resident_memory() >> 20) + " MB at the peak after " + step);
  };
  stage_ends("preparing");
  budget_run(run, options, context);
  equalize_run(run, options, context);
  stage_ends("equalizing");
  observe_run(run, context);
  release_free_memory();  // of the runs: what fits weights allocates in other sizes
  stage_ends("calibrating");
  if (options.goals.empty()) {
    encode_run(run, options, context);
    fit_run(run, options, context);
  } else {
    mix_run(run, options, context);
  }
  stage_ends("fitting");
  Outcome outcome = finish_run(run, options, watch, context);
  stage_ends("evaluating");
  return outcome;
}

std::string dry_run(Options options, Context& context) {
  options.writes = false;
  validate(options, {}, std::nullopt);
  require_images(options);
  const Run run = plan_run(options, context);
  return describe_plan(run.original, run.plan, target_to_write_for(run.target, options), run.scheme);
}

}  // namespace quantize
