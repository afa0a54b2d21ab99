#include "optimize/fit_step.h"

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

Trial fit_and_judge(const Plan& plan, const OptimizeInput& learned, const Judge& judge, const FitEffort& effort, const Context& context) {
  Trial trial{plan, {}, {}, {}};
  trial.fit = fit_network(trial.plan, learned, effort, context);
  std::tie(trial.before, trial.after) = judge.both(plan, trial.plan);
  return trial;
}

}  // namespace

Step try_fitting(Plan& plan, const OptimizeInput& learned, const Judge& judge, FitEffort effort, const Context& context) {
  const Stopwatch watch;
  Trial trial = fit_and_judge(plan, learned, judge, effort, context);
  if (effort.methods.learned > 0) {  // what is learned row by row on few samples may lose to the closed form as a whole
    FitEffort closed_form = effort;
    closed_form.methods.learned = 0;
    Trial closed = fit_and_judge(plan, learned, judge, closed_form, context);
    const std::string remark = "; learned rounding " + gain(closed.after, trial.after);
    if (closed.gained() >= trial.gained()) {
      trial = std::move(closed);
      effort = closed_form;
      trial.remark = remark + ", not kept";
    } else {
      trial.remark = remark;
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
