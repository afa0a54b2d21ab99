#include "mixed/planner.h"

#include <string>

#include "encode/multiplier.h"
#include "encode/pair_overflow.h"
#include "encode/pool_scales.h"
#include "model/edit.h"
#include "model/graph.h"

namespace quantize {
namespace {

// The weight and bias of a node, with the weight's encoding, as another plan of the same graph has them. The bias may be one that fitting
// gave it, so that the node is taken with its name: whether a fit was kept is each plan's own.
void take_layer(Plan& plan, WeightedOp& op, const Plan& other, const WeightedNode& theirs) {
  auto& graph = plan.model.graph();
  *graph.mutable_node(theirs.node) = other.model.graph().node(theirs.node);
  op.bias = theirs.op.bias;
  for (const auto& name : {op.weight, op.bias}) {
    const auto* tensor = name.empty() ? nullptr : find_initializer(other.model.graph(), name);
    if (tensor != nullptr) put_initializer(graph, *tensor);  // else there is no bias, or it is computed
  }
  plan.encodings.weights[op.weight] = other.encodings.weights.at(theirs.op.weight);
}

bool is_same(const Encoding& a, const Encoding& b) { return a.type == b.type && a.scale == b.scale && a.zero_point == b.zero_point; }

}  // namespace

Planner::Planner(PlannerInput input, Statistics statistics, Context& context)
    : input_(std::move(input)), statistics_(std::move(statistics)), context_(context) {
  Plan plan = encoded({});
  plain_ = plan.encodings.activations;
  base_ = fit(std::move(plan), {}, base_steps_);
}

Plan Planner::encoded(const Assignment& assignment) {
  Plan plan{input_.prepared, place(input_.prepared, input_.target, input_.exclusions, assignment), {}};
  std::vector<std::string> missing;  // a node left float ends a group that went on before
  for (const auto& tensor : plan.placement.observed()) {
    if (!statistics_.contains(tensor)) missing.push_back(tensor);
  }
  if (!missing.empty()) merge(statistics_, calibrate(plan.model, missing, input_.optimize.load, input_.optimize.samples, context_));
  Scheme scheme = input_.optimize.scheme;
  scheme.exceptions = assignment;
  plan.encodings = encode(plan.model, plan.placement, statistics_, scheme, context_);
  return plan;
}

Plan Planner::fit(const Assignment& assignment, std::vector<Step>& steps) { return fit(encoded(assignment), assignment, steps); }

Plan Planner::fit(Plan plan, const Assignment& assignment, std::vector<Step>& steps) {
  OptimizeInput input = input_.optimize;
  input.scheme.exceptions = assignment;
  keep_pairs_in_range(plan, 0.9);  // with a margin for what fitting changes, so that it makes the best of 7 bits
  steps = optimize_after_encoding(plan, statistics_, input, input_.level, context_);
  keep_pairs_in_range(plan, 1);
  return plan;
}

void Planner::keep_pairs_in_range(Plan& plan, double share) const {
  if (input_.pair_limit == 0) return;
  avoid_pair_overflow(plan.model, plan.placement, statistics_, plan.encodings, pair_rule(input_.target, share * input_.pair_limit));
}

const Plan& Planner::fitted(int weight_bits) {
  if (weight_bits == input_.optimize.scheme.weight_bits) return *base_;
  if (!wide_) {
    Assignment all;
    for (const auto& weighted : base_->placement.weighted)
      all.weights[base_->placement.decisions[static_cast<std::size_t>(weighted.node)].node] = weight_bits;
    std::vector<Step> steps;
    wide_ = fit(all, steps);
  }
  return *wide_;
}

// Of every set of activations that is encoded as it was for the base before ranges were chosen. A raise changes its own, and may change
// those that a node left float no longer shares, or whose readers no longer saturate: these are as encode() made them.
void Planner::keep_ranges(const Model& model, const Placement& placement, Encodings& encodings) const {
  for (const auto& group : placement.groups) {
    const auto plain = plain_.find(group.name());
    if (plain == plain_.end() || !is_same(plain->second, encodings.activations.at(group.name()))) continue;
    const Encoding& chosen = base_->encodings.activations.at(group.name());
    for (const auto& member : group.members) encodings.activations.at(member) = chosen;
  }
  widen_pool_scales(GraphIndex(model.graph()), placement, encodings);
}

Plan Planner::compose(const Assignment& assignment) {
  if (assignment.empty()) return *base_;
  Plan result = encoded(assignment);
  keep_ranges(result.model, result.placement, result.encodings);
  const auto bits = stored_bits(result.placement, assignment, input_.optimize.scheme.weight_bits);
  for (auto& [number, op] : result.placement.weighted) {
    const Plan& source = fitted(bits.at(op.weight));
    for (const auto& theirs : source.placement.weighted) {
      if (theirs.node == number) take_layer(result, op, source, theirs);
    }
  }
  for (const auto& [number, op] : base_->placement.weighted) {  // weights that nodes left float share with others stay their own
    const auto found = assignment.weights.find(base_->placement.decisions[static_cast<std::size_t>(number)].node);
    if (found == assignment.weights.end() || found->second != float_bits) continue;
    for (const auto& name : input_.prepared.graph().node(number).input()) {
      if (const auto* own = find_initializer(input_.prepared.graph(), name)) put_initializer(result.model.graph(), *own);
    }
  }
  const Context quiet;  // of trials nobody hears
  protect_biases(result.model, result.placement, result.encodings, quiet);
  keep_pairs_in_range(result, 1);
  return result;
}

Plan Planner::compose_to_write(const Assignment& assignment) {
  Plan result = compose(assignment);
  shorten_multipliers(GraphIndex(result.model.graph()), result.placement, result.encodings);
  return result;
}

}  // namespace quantize
