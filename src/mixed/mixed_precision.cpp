#include "mixed/mixed_precision.h"

#include "base/error.h"
#include "base/stopwatch.h"
#include "mixed/file_bytes.h"
#include "mixed/search.h"
#include "rewrite/rewrite.h"
#include "run/session_as_target.h"

namespace quantize {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string bits_name(Unit::Kind kind, int bits) {
  return bits == float_bits ? "float" : (kind == Unit::Kind::weights ? "W" : "A") + std::to_string(bits);
}

void note_other_outputs(const onnx::GraphProto& graph, Context& context) {
  if (graph.output_size() < 2) return;
  context.note("--reach goes by the first output, '" + graph.output(0).name() + "', of " + std::to_string(graph.output_size()) +
               ": nothing is raised for the sake of the others");
}

MixedPrecision describe(const MixedInput& input, const SearchResult& found, const Accuracy& before, const Accuracy& after, const Cost& base,
                        const Cost& cost, std::size_t units) {
  MixedPrecision facts;
  facts.reached = missed(input.goals.reach, after).empty();
  facts.images = input.held_out_samples;
  facts.units = units;
  facts.tried = found.tried;
  for (const auto& [name, wanted] : input.goals.reach) facts.reach.push_back({name, wanted, figure(before, name), figure(after, name)});
  for (const auto& name : {"size", "latency"}) {
    const auto wanted = input.goals.budget.find(name);
    GoalFact fact{name, std::nullopt, figure(base, name), figure(cost, name)};
    if (wanted != input.goals.budget.end()) fact.wanted = wanted->second;
    facts.cost.push_back(fact);
  }
  for (const auto& raise : found.kept) {
    facts.raised.push_back({raise.unit.kind == Unit::Kind::weights ? "weights" : "activations", raise.unit.name, raise.unit.op_type,
                            bits_name(raise.unit.kind, raise.unit.bits), bits_name(raise.unit.kind, raise.to), raise.noise, raise.cost});
  }
  return facts;
}

}  // namespace

Mixed mix_precision(const MixedInput& input, Statistics statistics, Context& context) {
  const Stopwatch watch;
  const auto& prepared = input.planner.prepared;
  const auto& optimize = input.planner.optimize;
  Planner planner(input.planner, std::move(statistics), context);
  const CostModel costs(prepared, planner.base().placement, optimize.scheme, input.planner.target.speed,
                        count_operations(prepared, planner.base().placement, optimize.load), file_bytes(planner.base(), input.written_for),
                        input.fp32_bytes);
  const Cost base = costs.of({});
  note_other_outputs(prepared.graph(), context);
  if (const auto over = missed(input.goals.budget, base); !over.empty()) {
    throw Error(ErrorKind::usage, "--budget: " + optimize.scheme.name + " itself needs " + joined(over) +
                                      "; allow more, or start from a scheme with fewer bits");
  }
  const auto sensitivities = measure_sensitivity(prepared, planner.base(), optimize.scheme,
                                                 {.load = optimize.load, .available = optimize.samples, .axis = input.axis}, context);
  auto raisable = sensitivities;
  if (!input.planner.target.wide_activations)
    std::erase_if(raisable, [](const auto& row) { return row.unit.kind == Unit::Kind::activations; });
  const auto ranked = rank_promotions(raisable, costs, input.goals.budget);
  const Reference held_out(prepared.proto, input.held_out, input.held_out_samples, input.axis, context);
  const auto judge = [&, as_target = session_as_target(input.planner.target)](const Plan& plan) {
    return held_out.judge(rewrite(plan.model, plan.placement, plan.encodings).proto, as_target);
  };
  const Accuracy before = judge(planner.base());
  SearchResult found = search_assignment(
      ranked, input.goals.reach,
      [&](const Assignment& assignment) {
        if (assignment.empty()) return Trial(before);
        const Plan plan = planner.compose(assignment);
        const Trial trial(judge(plan), !plan.placement.weighted.empty());
        context.debug("mixed precision: " + std::to_string(assignment.weights.size() + assignment.activations.size()) + " raised, PSNR " +
                      std::to_string(trial.accuracy.psnr_db) + " dB, agreement " + std::to_string(trial.accuracy.agreement));
        return trial;
      },
      context);
  Mixed result{planner.compose_to_write(found.assignment), found.assignment, {}, planner.base_steps()};
  if (!found.kept.empty()) {
    if (result.plan.placement.short_multipliers) found.accuracy = judge(result.plan);
    // Fitted anew, weights know what the raised activations and weights no longer do.
    std::vector<Step> steps;
    Plan fitted = planner.fit(found.assignment, steps);
    const Accuracy accuracy = judge(fitted);
    const bool at_least = missed(input.goals.reach, accuracy).size() <= missed(input.goals.reach, found.accuracy).size();
    if (at_least) {
      result.plan = std::move(fitted);
      found.accuracy = accuracy;
      result.steps = steps;
    }
  }
  Cost cost = costs.of(found.assignment);
  cost.size = static_cast<double>(file_bytes(result.plan, input.written_for)) / static_cast<double>(input.fp32_bytes);
  result.facts = describe(input, found, before, found.accuracy, base, cost, sensitivities.size());
  for (const auto& figure : missed(input.goals.reach, found.accuracy)) {
    context.warn("--reach is not met: " + figure + " on held-out samples" + (input.goals.budget.empty() ? "" : ", within --budget"));
  }
  result.steps.push_back({"mixed-precision",
                          std::to_string(found.kept.size()) + " of " + std::to_string(sensitivities.size()) +
                              " weights and activations given more bits, " + std::to_string(found.tried) + " assignments run on " +
                              std::to_string(input.held_out_samples) + " held-out samples" +
                              (result.facts.reached ? "" : "; the target is not reached"),
                          watch.seconds(), before.sqnr_db, found.accuracy.sqnr_db});
  return result;
}

}  // namespace quantize
