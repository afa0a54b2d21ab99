#include "optimize/fit_step.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <tuple>

namespace quantize {
namespace {

struct Trial {
  Plan plan;
  NetworkFit fit;
  Verdict before, after;
  std::string remark = "";

  [[nodiscard]] double gained() const { return after.score() - before.score(); }
};

constexpr std::uint64_t seed_step = 7919;  // a layer's own seeds lie a million apart

std::string remark_on_draws(int draws, double best_db, double least_db) {
  char text[96];
  std::snprintf(text, sizeof text, "; the best of %d draws, which have from %.2f to %.2f dB", draws, least_db, best_db);
  return text;
}

Trial fit_and_judge(const Plan& plan, const OptimizeInput& learned, const Judge& judge, const FitEffort& effort, const Context& context) {
  Trial trial{plan, {}, {}, {}};
  trial.fit = fit_network(trial.plan, learned, effort, context);
  std::tie(trial.before, trial.after) = judge.both(plan, trial.plan);
  return trial;
}

// The best of several fits that differ in the positions they were drawn from; `learned` is left with the seed of that one. What they were
// fitted on tells them apart as well as what they were not, and the latter alone are too few.
Trial best_draw(const Plan& plan, OptimizeInput& learned, const Judge& judge, const FitEffort& effort, const Context& context) {
  if (effort.draws < 2) return fit_and_judge(plan, learned, judge, effort, context);
  const Judge wide(plan.model, joined(evenly(learned, effort.draws_judged), judge.samples()), context);
  Trial best;
  Verdict of_best;
  double least = std::numeric_limits<double>::infinity();
  OptimizeInput drawn = learned;
  for (int draw = 0; draw < effort.draws; ++draw, drawn.seed += seed_step) {
    Plan candidate = plan;
    NetworkFit fit = fit_network(candidate, drawn, effort, context);
    const Verdict verdict = wide(candidate);
    least = std::min(least, verdict.sqnr_db);
    if (draw > 0 && verdict.score() <= of_best.score()) continue;
    best.plan = std::move(candidate);
    best.fit = std::move(fit);
    of_best = verdict;
    learned.seed = drawn.seed;
  }
  std::tie(best.before, best.after) = judge.both(plan, best.plan);
  best.remark = remark_on_draws(effort.draws, of_best.sqnr_db, least);
  return best;
}

}  // namespace

Step try_fitting(Plan& plan, OptimizeInput learned, const Judge& judge, FitEffort effort, const Context& context) {
  const Stopwatch watch;
  FitEffort closed_form = effort;
  closed_form.methods.learned = 0;
  Trial trial = best_draw(plan, learned, judge, closed_form, context);
  if (effort.methods.learned > 0) {  // what is learned row by row on few samples may lose to the closed form as a whole
    Trial rounded = fit_and_judge(plan, learned, judge, effort, context);
    const bool better = rounded.gained() > trial.gained();
    rounded.remark = trial.remark + "; learned rounding " + gain(trial.after, rounded.after);
    if (better) {
      trial = std::move(rounded);
    } else {
      trial.remark = rounded.remark + ", not kept";
      effort = closed_form;
    }
  }
  // Where ranges cut off the loudest values, the mean error is theirs, and in the bias it moves all the others: one network's SQNR fell
  // from 40 to 4 dB.
  if (effort.correct_bias && trial.gained() <= 0) {
    effort.correct_bias = false;
    trial.plan = {};  // its memory is the next one's
    Trial uncorrected = fit_and_judge(plan, learned, judge, effort, context);
    if (uncorrected.gained() > 0) {
      trial = std::move(uncorrected);
      trial.remark = "; without bias correction";
    }
  }
  const bool kept = trial.gained() > 0;
  const auto& fit = trial.fit;
  std::string what = std::to_string(fit.fitted) + " layers on " + std::to_string(fit.samples) + " samples";
  if (!fit.skipped.empty()) what += ", " + std::to_string(fit.skipped.size()) + " skipped (first: " + fit.skipped[0] + ")";
  Step step = judged_step("fit-weights", what, trial.before, trial.after, kept, watch);
  step.outcome += trial.remark;
  if (kept) plan = std::move(trial.plan);
  return step;
}

}  // namespace quantize
