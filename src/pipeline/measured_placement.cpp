#include "pipeline/measured_placement.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

#include "evaluate/evaluate.h"
#include "optimize/judge.h"
#include "rewrite/point_products.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize {
namespace {

// Operators whose integer form, or the Quantize- and DequantizeLinear around their float form, may cost more than they save. As targets
// name them: with the mode where that matters.
constexpr const char* either_way[] = {"ConvTranspose", "Resize:linear", "Resize:cubic", "Sigmoid", "HardSigmoid", "HardSwish", "PRelu"};
constexpr int runs = 15;
constexpr std::size_t judged = 4;

int count_of(const onnx::GraphProto& graph, const std::string& key) {
  return static_cast<int>(std::ranges::count_if(graph.node(), [&](const auto& node) { return named_in({key}, node); }));
}

// The model as a target would have it, encoded from a few samples: enough to time and compare it.
struct Attempt {
  Plan plan;
  Session session;
  Verdict verdict;
};

Attempt attempt(const PlacementInput& input, const Target& target, const OptimizeInput& few, const Judge& judge, Context& context) {
  Plan plan{input.model, place(input.model, target, input.exclusions), {}};
  encode_trial(plan, few, context);
  Model written = rewrite(plan.model, plan.placement, plan.encodings);
  if (target.point_products) multiply_points(written, results_within_pairs(plan.model, plan.placement, false));
  Session session(written.proto, {.threads = context.threads, .plan_memory = true});
  const Verdict verdict = judge(plan);
  return {std::move(plan), std::move(session), verdict};
}

// One operator of a target, placed another way.
struct Alternative {
  std::string what, key;
  std::function<bool(Target&)> change;  // false: there is nothing to change any more
};

std::vector<Alternative> alternatives(const Target& target, const std::vector<std::string>& present) {
  std::vector<Alternative> all;
  for (const auto& key : present) {
    if (target.float_operators.contains(key)) {
      all.push_back({key + " quantized", key, [key](Target& other) { return other.float_operators.erase(key) > 0; }});
    } else {
      all.push_back({key + " left float", key, [key](Target& other) { return other.float_operators.insert(key).second; }});
    }
    if (target.integer_activations.contains(key))
      all.push_back({key + " in float between convolutions", key,
                     [key](Target& other) { return other.float_operators.contains(key) && other.integer_activations.erase(key) > 0; }});
  }
  return all;
}

std::string milliseconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", value);
  return text;
}

}  // namespace

std::vector<PlacementTrial> choose_placement(Target& target, const PlacementInput& input, Context& context) {
  std::vector<std::string> present;
  for (const char* key : either_way) {
    if (count_of(input.model.graph(), key) > 0) present.emplace_back(key);
  }
  std::vector<PlacementTrial> trials;
  if (present.empty()) return trials;
  const OptimizeInput few = evenly(input.samples, judged);
  const Judge judge(input.model, few, context);
  const auto ways = alternatives(target, present);
  const auto progress = context.step("placement", ways.size() * runs);
  Attempt best = attempt(input, target, few, judge, context);
  for (const auto& [what, key, change] : ways) {
    context.check_stop();
    Target other = target;
    if (!change(other)) {
      for (int run = 0; run < runs; ++run) progress->tick();
      continue;
    }
    Attempt candidate = attempt(input, other, few, judge, context);
    const TimesInTurn times = time_in_turn(best.session, input.timed, candidate.session, input.timed, runs, context, *progress);
    PlacementTrial trial{what, count_of(input.model.graph(), key), median(times.first), median(times.second), false};
    const bool accurate = candidate.verdict.sqnr_db >= best.verdict.sqnr_db - affordable_loss_db;
    trial.kept = accurate && trial.after_ms <= (1 - least_gain) * trial.before_ms;
    context.info("placement: " + trial.what + ": " + milliseconds(trial.before_ms) + " -> " + milliseconds(trial.after_ms) +
                 (trial.kept ? ", kept"
                  : accurate ? ""
                             : ", less accurate"));
    if (trial.kept) {
      target = std::move(other);
      best = std::move(candidate);
    }
    trials.push_back(std::move(trial));
  }
  return trials;
}

}  // namespace quantize
