#include "optimize/optimize.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "optimize/absorb_bias.h"
#include "optimize/effort.h"
#include "optimize/equalize.h"
#include "optimize/fit_step.h"
#include "optimize/judge.h"
#include "optimize/judged_outputs.h"
#include "optimize/migrate.h"
#include "optimize/select_ranges.h"

namespace quantize {
namespace {

constexpr double real_gain_db = 0.1;   // less may be chance: the judged samples are few
constexpr double near_best_db = 0.75;  // of strengths of equalization; at 0.25 FFNet's W8A8 took one that cost 1.3 dB in the end

bool chooses_ranges(const OptimizeInput& input, const Effort& effort) {
  const bool automatic = input.scheme.method == RangeMethod::automatic && input.scheme.activation_bits <= 8;
  return effort.ranges > 0 && automatic && input.does("ranges");
}

// Only the activations' noise is judged before the weights are fitted: they absorb their own share then.
const RewriteOptions activations_only{.weights = false};
const RewriteOptions everything{};

// A plan as a few samples show it: encoded from their statistics.
struct Preview {
  Plan plan;
  Statistics statistics;
  std::optional<Verdict> activations;  // judged with float weights, once that is asked for
};

Preview preview_of(Plan plan, const OptimizeInput& few, const Context& context) {
  Preview preview{std::move(plan), {}, {}};
  preview.statistics = encode_trial(preview.plan, few, context);
  return preview;
}

// What a step came to at one strength. Without the model, which can be made again: at four strengths there would be four of it.
struct Trial {
  double strength;
  std::string what;
  Verdict verdict;
  Encodings encodings;
  Statistics statistics;
};

// Once its model has been made again.
void adopt(Trial& trial, Preview& now) {
  now.plan.encodings = std::move(trial.encodings);
  now.statistics = std::move(trial.statistics);
  now.activations.reset();
}

// The verdicts on both, at the same time where `before` has none yet.
void judge_activations(Preview& before, Preview& after, const Judge& judge) {
  if (before.activations) {
    after.activations = judge(after.plan, activations_only);
  } else {
    std::tie(before.activations, after.activations) = judge.both(before.plan, after.plan, activations_only);
  }
}

// Equalization at several strengths. The mildest of those that come near the best is kept: what little more the others promise does not
// carry over to other samples. None if none helps.
Step try_equalization(Preview& now, const OptimizeInput& few, const Judge& judge, const Effort& effort, const Context& context) {
  const Stopwatch watch;
  std::vector<Trial> trials;
  for (const double strength : effort.strengths) {
    Plan candidate = now.plan;
    const int channels = equalize(candidate.model, now.statistics, strength, effort.room_below_clips);
    if (channels == 0) break;
    Preview preview = preview_of(std::move(candidate), few, context);
    judge_activations(now, preview, judge);
    trials.push_back({strength, std::to_string(channels) + " channels, strength " + std::to_string(strength).substr(0, 3),
                      *preview.activations, std::move(preview.plan.encodings), std::move(preview.statistics)});
    context.debug("equalize: " + trials.back().what + ": " + gain(*now.activations, trials.back().verdict));
  }
  if (trials.empty()) return {"equalize", "nothing to scale", watch.seconds()};
  const Verdict before = *now.activations;
  const auto score = [](const Trial& trial) { return trial.verdict.score(); };
  const double least = before.score() + real_gain_db, best = score(*std::ranges::max_element(trials, {}, score));
  const auto chosen =
      std::ranges::find_if(trials, [&](const Trial& trial) { return score(trial) >= std::max(best - near_best_db, least); });
  const bool kept = chosen != trials.end();
  auto& trial = kept ? *chosen : *std::ranges::max_element(trials, {}, score);
  if (kept) {
    equalize(now.plan.model, now.statistics, trial.strength, effort.room_below_clips);
    adopt(trial, now);
    now.activations = trial.verdict;
  }
  return judged_step("equalize", trial.what, before, trial.verdict, kept, watch);
}

Step try_absorbing(Preview& now, const OptimizeInput& few, const Judge& judge, const Context& context) {
  const Stopwatch watch;
  Plan candidate = now.plan;
  const int channels = absorb_biases(candidate.model, candidate.placement, now.statistics);
  if (channels == 0) return {"absorb-bias", "nothing to absorb", watch.seconds()};
  Preview after = preview_of(std::move(candidate), few, context);
  judge_activations(now, after, judge);
  const bool kept = after.activations->score() > now.activations->score() + real_gain_db;
  Step step = judged_step("absorb-bias", std::to_string(channels) + " channels", *now.activations, *after.activations, kept, watch);
  if (kept) now = std::move(after);
  return step;
}

// Nothing where the network has no place for it: most convolutional ones have none.
std::optional<Step> try_migrating(Preview& now, const OptimizeInput& few, const Judge& judge, const Context& context) {
  const Stopwatch watch;
  const Migration migration(now.plan, few, context);
  if (migration.is_empty()) return std::nullopt;
  const Verdict before = judge(now.plan, everything);
  std::optional<Trial> best;
  bool kept = false;
  double wanted = before.score() + real_gain_db;
  for (const double strength : {0.5, 0.75}) {
    Plan candidate = now.plan;
    const int channels = migration.apply(candidate.model, strength);
    Preview preview = preview_of(std::move(candidate), few, context);
    const Verdict after = judge(preview.plan, everything);
    const bool gains = after.score() >= wanted;
    if (!best || gains || (!kept && after.score() > best->verdict.score())) {
      best = {strength, std::to_string(channels) + " channels, strength " + std::to_string(strength).substr(0, 4), after,
              std::move(preview.plan.encodings), std::move(preview.statistics)};
    }
    if (gains) wanted = after.score() + real_gain_db;
    kept |= gains;
  }
  if (kept) {
    migration.apply(now.plan.model, best->strength);
    adopt(*best, now);
  }
  return judged_step("migrate", best->what, before, best->verdict, kept, watch);
}

Step try_ranges(Plan& plan, const Statistics& statistics, const OptimizeInput& learned, const Judge& judge, const Effort& effort,
                const Context& context) {
  const Stopwatch watch;
  Plan candidate = plan;
  const std::size_t samples = samples_for_ranges(effort.ranges, learned.live_bytes, context);
  const int changed = select_ranges(candidate, statistics, evenly(learned, samples), effort.positions, context);
  if (changed == 0) return {"ranges", "the automatic range is best everywhere", watch.seconds()};
  const auto [before, after] = judge.both(plan, candidate, activations_only);
  const bool kept = after.score() > before.score();
  if (kept) plan.encodings = std::move(candidate.encodings);
  return judged_step("ranges",
                     std::to_string(changed) + " of " + std::to_string(plan.placement.groups.size()) + " other than the automatic range",
                     before, after, kept, watch);
}

}  // namespace

const std::vector<std::string>& step_names() {
  static const std::vector<std::string> names = {"round-to-pixels",
                                                 "equalize",
                                                 "absorb-bias",
                                                 "migrate",
                                                 "ranges",
                                                 "fit-weights",
                                                 "target",
                                                 "scale",
                                                 "gptq",
                                                 "descent",
                                                 "rescale",
                                                 "learned",
                                                 "bias-correction",
                                                 "merge-groups",
                                                 "resize-by-products",
                                                 "point-products",
                                                 "integer-prelu",
                                                 "integer-hard-swish",
                                                 "weight-zero-points"};
  return names;
}

BeforeCalibration optimize_before_calibration(Plan& plan, const OptimizeInput& input, Level level, Context& context) {
  // With 16 bits the activations' noise is far below the weights': nothing to gain.
  if (level == Level::o0 || input.scheme.activation_bits > 8) return {};
  const bool absorbs = level >= Level::o2 && input.does("absorb-bias");
  if (!input.does("equalize") && !absorbs && !input.does("migrate")) return {};
  const Effort effort = effort_of(plan, input, level, context);
  const SampleSplit split = split_samples(input, effort.judged);
  // The final ranges will have seen what judges too: cut values there would be the trial's fault, not the step's.
  const OptimizeInput few = joined(evenly(split.learned, effort.equalization), split.judged);
  const Stopwatch watch;
  const Judge judge(plan.model, split.judged, context, effort.decisive_db);
  Preview now = preview_of(std::move(plan), few, context);
  const double shared = watch.seconds();
  BeforeCalibration result;
  if (input.does("equalize")) result.steps.push_back(try_equalization(now, few, judge, effort, context));
  if (absorbs) result.steps.push_back(try_absorbing(now, few, judge, context));
  if (input.does("migrate")) {
    if (auto step = try_migrating(now, few, judge, context)) result.steps.push_back(std::move(*step));
  }
  if (!result.steps.empty()) result.steps.front().seconds += shared;
  plan = std::move(now.plan);
  plan.encodings = {};
  for (std::size_t i = 0; i < few.samples; ++i) result.seen.samples.insert(few.number(i));
  const bool twice = result.seen.samples.size() < few.samples;
  // Whether the last tenth of all samples still moves anything is asked later: it must not have been seen before.
  if (twice || *result.seen.samples.rbegin() >= input.samples - input.samples / 10) return {std::move(result.steps), {}};
  result.seen.statistics = std::move(now.statistics);
  return result;
}

std::vector<Step> optimize_after_encoding(Plan& plan, const Statistics& statistics, const OptimizeInput& input, Level level,
                                          Context& context) {
  if (level == Level::o0) return {};
  const Effort effort = effort_of(plan, input, level, context);
  const SampleSplit split = split_samples(input, effort.judged);
  const Judge judge(plan.model, split.judged, context, effort.decisive_db);
  std::vector<Step> steps;
  if (chooses_ranges(input, effort)) steps.push_back(try_ranges(plan, statistics, split.learned, judge, effort, context));
  if (input.does("fit-weights")) steps.push_back(try_fitting(plan, split.learned, judge, effort.fit, context));
  return steps;
}

std::size_t optimize_bytes(const Plan& plan, const OptimizeInput& input, Level level, const Context& context) {
  if (level == Level::o0) return 0;
  const Effort effort = effort_of(plan, input, level, context);
  const SampleSplit split = split_samples(input, effort.judged);
  const std::size_t learned = split.learned.samples;
  std::size_t ranges = 0, fit = 0;
  if (chooses_ranges(input, effort)) {
    const std::size_t samples = samples_for_ranges(std::min(effort.ranges, learned), input.live_bytes, context);
    ranges = range_bytes(plan, samples, input.live_bytes, effort.positions, context);
  }
  if (input.does("fit-weights")) fit = fit_bytes(plan, effort.fit, learned, input.live_bytes, context);
  if (effort.fit.draws > 1) fit += judge_bytes(plan.model.proto, split.judged.samples + effort.fit.draws_judged, context);
  return judge_bytes(plan.model.proto, split.judged.samples, context) + std::max(ranges, fit);
}

}  // namespace quantize
