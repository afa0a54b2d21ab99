#include "pipeline/quantize_model.h"

#include "pipeline/describe.h"

namespace quantize {

Outcome quantize_model(const Options& options, Context& context) {
  validate(options);
  require_images(options);
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
  return finish_run(run, options, watch, context);
}

std::string dry_run(const Options& options, Context& context) {
  validate(options);
  require_images(options);
  const Run run = plan_run(options, context);
  return describe_plan(run.original, run.plan, run.scheme);
}

}  // namespace quantize
