#include "pipeline/memory_plan.h"

#include <algorithm>

#include "base/error.h"
#include "evaluate/evaluate.h"

namespace quantize {
namespace {

// Measured with -v on networks of 0.5 to 56 MB: the program with ONNX Runtime; how often a model is held (as read and as prepared, and what
// loading one into a session takes for a while), by all stages and in addition by some; and what ONNX Runtime's arena takes for what is
// alive at once in a run.
constexpr std::uint64_t program = std::uint64_t{60} << 20;
constexpr std::uint64_t copies = 4, copies_to_run = 3, copies_to_fit = 2, copies_to_evaluate = 7, arena = 2;
constexpr std::uint64_t least_working = std::uint64_t{48} << 20;

std::uint64_t megabytes(std::uint64_t bytes) { return (bytes + (1U << 20) - 1) >> 20; }

}  // namespace

std::uint64_t MemoryNeeds::peak() const { return models + std::max({calibration, optimization, evaluation}); }

MemoryNeeds memory_needs(const Plan& plan, const OptimizeInput& input, Level level, bool evaluated, const Context& context) {
  MemoryNeeds needs;
  needs.models = program + copies * plan.model.bytes;
  needs.run = arena * input.live_bytes;
  needs.calibration = copies_to_run * plan.model.bytes + needs.run * context.samples_at_once();
  if (level != Level::o0) {
    // The judge's runs of the whole network, or what a fit keeps and the runs of its pieces.
    const std::uint64_t fit = optimize_bytes(plan, input, level, context) + arena * needs.run * context.samples_at_once();
    needs.optimization = copies_to_fit * plan.model.bytes + fit;
  }
  if (evaluated) {
    const std::uint64_t compared = plan.placement.groups.size() * values_compared * sizeof(float);
    needs.evaluation = copies_to_evaluate * plan.model.bytes + 2 * (needs.run + compared) * context.samples_at_once();
  }
  return needs;
}

void keep_within(std::uint64_t limit, const Plan& plan, const OptimizeInput& input, Level level, bool evaluated, Context& context) {
  const std::uint64_t fixed = memory_needs(plan, input, Level::o0, false, context).models + copies_to_evaluate * plan.model.bytes;
  const std::uint64_t least = fixed + std::max(least_working, 2 * arena * input.live_bytes);
  if (limit - limit / 8 < least) {
    throw Error(ErrorKind::usage, "--memory-limit " + std::to_string(megabytes(limit)) + "MB is too little: this model needs " +
                                      std::to_string(megabytes(least / 7 * 8)) + "MB");
  }
  limit -= limit / 8;  // the estimates are not that sure
  context.working_memory = std::min<std::size_t>(context.working_memory, limit - fixed);
  // Working memory bounds each kind of thing that a step keeps; a step may keep several. It decides what weights are fitted on, so that the
  // number of threads must not decide it.
  Context alone;
  alone.working_memory = context.working_memory;
  while (alone.working_memory > least_working && memory_needs(plan, input, level, false, alone).peak() > limit)
    alone.working_memory = alone.working_memory / 10 * 9;
  context.working_memory = alone.working_memory;
  while (context.samples_at_once() > 1 && memory_needs(plan, input, level, evaluated, context).peak() > limit)
    context.workers = context.samples_at_once() - 1;
}

}  // namespace quantize
