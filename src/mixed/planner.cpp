#include "mixed/planner.h"

#include <string>

#include "encode/hazards.h"
#include "encode/pair_overflow.h"
#include "model/edit.h"

namespace quantize {
namespace {

// The weight and bias of a node, with the weight's encoding, as another plan of the same graph has them. The bias may be one that fitting
// gave it, so that the node is taken with its name: whether a fit was kept is each plan's own.
void take_layer(Plan& plan, WeightedOp& op, const Plan& other, const WeightedNode& theirs) {
  auto& graph = plan.model.graph();
  *graph.mutable_node(theirs.node) = other.model.graph().node(theirs.node);
  op.bias = theirs.op.bias;
  for (const auto& name : {op.weight, op.bias}) {
    const auto* tensor = name.empty() ? nullptr : find_initializer(const_cast<Model&>(other.model).graph(), name);
    if (tensor != nullptr) put_initializer(graph, *tensor);  // else there is no bias, or it is computed
  }
  plan.encodings.weights[op.weight] = other.encodings.weights.at(theirs.op.weight);
}

}  // namespace

Planner::Planner(PlannerInput input, Statistics statistics, Context& context)
    : input_(std::move(input)), statistics_(std::move(statistics)), context_(context) {
  base_ = fit({}, base_steps_);
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

Plan Planner::fit(const Assignment& assignment, std::vector<Step>& steps) {
  Plan plan = encoded(assignment);
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

Plan Planner::compose(const Assignment& assignment) {
  Plan plan = encoded(assignment);
  Plan result{input_.prepared, plan.placement, std::move(plan.encodings)};
  const auto bits = stored_bits(result.placement, assignment, input_.optimize.scheme.weight_bits);
  for (auto& [number, op] : result.placement.weighted) {
    const Plan& source = fitted(bits.at(op.weight));
    for (const auto& theirs : source.placement.weighted) {
      if (theirs.node == number) take_layer(result, op, source, theirs);
    }
    const auto* bias = op.bias.empty() ? nullptr : find_initializer(result.model.graph(), op.bias);
    if (!is_quantized_bias(bias, op, result.encodings)) continue;
    protect_bias(result.encodings.weights.at(op.weight), float_values(*bias), result.encodings.activations.at(op.input).scale[0],
                 op.groups);
  }
  for (const auto& [number, op] : base_->placement.weighted) {  // weights that nodes left float share with others stay their own
    const auto found = assignment.weights.find(base_->placement.decisions[static_cast<std::size_t>(number)].node);
    if (found == assignment.weights.end() || found->second != float_bits) continue;
    for (const auto& name : input_.prepared.graph().node(number).input()) {
      if (const auto* own = find_initializer(const_cast<Model&>(input_.prepared).graph(), name))
        put_initializer(result.model.graph(), *own);
    }
  }
  keep_pairs_in_range(result, 1);
  return result;
}

}  // namespace quantize
