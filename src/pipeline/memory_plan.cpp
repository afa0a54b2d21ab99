#include "pipeline/memory_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "evaluate/evaluate.h"
#include "mixed/sensitivity.h"
#include "model/payload.h"

namespace quantize {
namespace {

// Measured with -v on networks of 0.5 to 56 MB: the program with ONNX Runtime, and what its arena takes for what is alive at once in a run.
constexpr std::uint64_t program = std::uint64_t{64} << 20, arena = 2;
// How often a model is held. By all stages: as read, as prepared, and what a session takes for a while that loads one (protobuf and packed
// weights). In addition, to run it: with the tensors to be observed as outputs, and in its session. To fit: its weights as they were, the
// simulation's, both as parts that are run, and what would be gone back to. To measure sensitivity: the weights to be measured, the rest of
// the network as a part, and twice in its session. To evaluate: FP32 with the outputs of its layers and their session, and the quantized
// ones, a quarter each; where weights were fitted, those of before come on top.
constexpr std::uint64_t copies = 4, copies_to_run = 3, copies_to_fit = 4, copies_to_measure = 4, copies_to_evaluate = 4;
constexpr std::uint64_t copies_to_load = 2;   // by a session beside another
constexpr std::uint64_t most_for_layers = 4;  // samples that layers are compared on
constexpr std::uint64_t least_working = std::uint64_t{48} << 20;

std::uint64_t megabytes(std::uint64_t bytes) { return (bytes + (1U << 20) - 1) >> 20; }

// At -O3 the closed form stays while rounding is learned, and of several draws the best while others are made. The judge loads a plan as it
// was and what became of it at the same time, where two samples may run so.
std::uint64_t models_to_fit(std::uint64_t model, Level level, std::uint64_t at_once) {
  return (copies_to_fit + (level >= Level::o3 ? 1 : 0) + (at_once > 1 ? copies_to_load : 0)) * model;
}

std::uint64_t models_to_evaluate(std::uint64_t model, Level level) { return (copies_to_evaluate + (level == Level::o0 ? 0 : 1)) * model; }

// What the run takes at the least; pictures that are too large to be decoded within a limit are no reason to refuse it.
std::uint64_t least_bytes(const Plan& plan, const OptimizeInput& input, MemoryUse use) {
  use.reading_bytes = use.test_reading_bytes = 0;
  Context least;
  least.working_memory = least_working;
  return memory_needs(plan, input, use, least).peak();
}

}  // namespace

std::uint64_t MemoryNeeds::peak() const { return models + std::max({calibration, optimization, sensitivity, evaluation}); }

std::vector<Tensor> largest_inputs(const Samples& samples, const Context& context) {
  const auto has_free_size = [](const InputSpec& input) { return is_free_behind_batch(input.shape); };  // a free batch is always 1
  if (std::ranges::none_of(samples.calibration.inputs(), has_free_size)) return samples.calibration.load(0).inputs;
  std::vector<std::pair<const SampleSource*, std::size_t>> all;
  for (const auto* source : {&samples.calibration, samples.held_out ? &*samples.held_out : nullptr}) {
    for (std::size_t i = 0; source != nullptr && i < source->size(); ++i) all.emplace_back(source, i);
  }
  std::vector<std::size_t> bytes(all.size());
  parallel_for_samples(context, all.size(), [&](std::size_t i, unsigned) {
    for (const auto& input : all[i].first->load(all[i].second).inputs) bytes[i] += input.bytes.size();
  });
  const auto& [source, number] = all[static_cast<std::size_t>(std::ranges::max_element(bytes) - bytes.begin())];
  return source->load(number).inputs;
}

std::size_t deciding_that_fit(const MemoryUse& use, const Context& context) {
  const std::size_t fitting = context.working_memory / std::max<std::size_t>(1, use.output_bytes);
  return std::min(use.deciding, std::max<std::size_t>(2, fitting));
}

MemoryNeeds memory_needs(const Plan& plan, const OptimizeInput& input, const MemoryUse& use, const Context& context) {
  const std::uint64_t model = stored_bytes(plan.model.proto);  // half-precision weights are floats by now
  MemoryNeeds needs;
  needs.models = program + copies * model;
  needs.run = arena * input.live_bytes;
  const std::uint64_t at_once = context.samples_at_once();
  const std::uint64_t reading = use.reading_bytes * at_once;
  needs.calibration = copies_to_run * model + needs.run * at_once + reading;
  if (use.level != Level::o0 || use.deciding > 0) {
    // The judge's runs of the whole network, or what a fit keeps and the runs of its pieces.
    const std::uint64_t fit = optimize_bytes(plan, input, use.level, context) + arena * needs.run * at_once;
    needs.optimization = models_to_fit(model, use.level, at_once) + fit + deciding_that_fit(use, context) * use.output_bytes + reading;
  }
  if (use.sensitivity) {
    const std::uint64_t kept = sensitivity_bytes({.load = {}, .available = input.samples}, input.live_bytes, use.output_bytes, context);
    needs.sensitivity = copies_to_measure * model + kept + arena * needs.run * at_once + reading;  // what is changed lies beside what runs
  }
  if (use.evaluated) {
    // Both models' runs; for layers, what is compared of each tensor too: of both, as ONNX Runtime's and as floats.
    const std::uint64_t compared = 4 * plan.placement.groups.size() * values_compared * sizeof(float);
    const std::uint64_t runs = 2 * needs.run + use.test_reading_bytes;
    needs.evaluation =
        models_to_evaluate(model, use.level) + std::max(runs * at_once, (runs + compared) * std::min(at_once, most_for_layers));
  }
  return needs;
}

void keep_within(std::uint64_t limit, const Plan& plan, const OptimizeInput& input, const MemoryUse& use, Context& context) {
  const std::uint64_t fixed =
      memory_needs(plan, input, {.level = Level::o0}, context).models + models_to_evaluate(stored_bytes(plan.model.proto), use.level);
  const std::uint64_t least_kept = std::min<std::size_t>(use.deciding, 2) * use.output_bytes;
  // Where steps need more at the least than this, they are asked to do with it: estimates are not that sure.
  const std::uint64_t enough = (fixed + std::max(least_working, 2 * arena * input.live_bytes + least_kept)) / 7 * 8;
  const std::uint64_t least = std::min(enough, least_bytes(plan, input, use));
  if (limit < least) {
    throw Error(ErrorKind::usage, "--memory-limit " + std::to_string(megabytes(limit)) + "MB is too little: this model needs " +
                                      std::to_string(megabytes(least)) + "MB");
  }
  limit -= limit / 8;
  const std::uint64_t left = limit > fixed ? limit - fixed : 0;
  context.working_memory = std::min<std::size_t>(context.working_memory, std::max(left, least_working));
  // Working memory bounds each kind of thing that a step keeps; a step may keep several. It decides what weights are fitted on, so that the
  // number of threads must not decide it.
  MemoryUse before_evaluation = use;
  before_evaluation.evaluated = false;
  Context alone;
  alone.working_memory = context.working_memory;
  while (alone.working_memory > least_working && memory_needs(plan, input, before_evaluation, alone).peak() > limit)
    alone.working_memory = alone.working_memory / 10 * 9;
  context.working_memory = alone.working_memory;
  while (context.samples_at_once() > 1 && memory_needs(plan, input, use, context).peak() > limit)
    context.workers = context.samples_at_once() - 1;
}

}  // namespace quantize
