#include "optimize/effort.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/graph.h"
#include "model/tensor.h"
#include "optimize/judge.h"
#include "optimize/judged_outputs.h"

namespace quantize {
namespace {

constexpr double bytes_per_pair = 40;  // of a column's values, over all matrices that fitting it keeps

bool has_short_weights(const Scheme& scheme) {
  return scheme.weight_bits < 8 || std::ranges::any_of(scheme.exceptions.weights, [](const auto& entry) { return entry.second < 8; });
}

// A single draw of the positions that the weights of a small network are fitted at lies within 0.6 dB of the mean of several, and the
// judge tells which is above it. A fit of a large network takes minutes, and with its many weights chance averages out.
int draws_for(const Plan& plan) {
  const GraphIndex index(plan.model.graph());
  std::int64_t weights = 0;
  for (const auto& weighted : plan.placement.weighted) {
    if (const auto* tensor = index.initializer(weighted.op.weight)) weights += element_count(shape_of(*tensor));
  }
  return weights <= 1'000'000 ? 4 : weights <= 4'000'000 ? 2 : 1;
}

constexpr std::size_t most_draws_judged = 16;

// One draw, unless the judge's outputs leave room for those that several are judged by.
void set_draws(Effort& effort, const Plan& plan, const Context& context) {
  const std::size_t always = 2 * effort.judged;  // by the judge of every step, and once more by that of the draws
  effort.fit.draws_judged = judged_that_fit(plan.model.proto, always + most_draws_judged, always, context) - always;
  effort.fit.draws = effort.fit.draws_judged > 0 ? draws_for(plan) : 1;
}

}  // namespace

Effort effort_of(const Plan& plan, const OptimizeInput& input, Level level, const Context& context) {
  Effort effort{.judged = least_judged,
                .decisive_db = 6,
                .equalization = 4,
                .strengths = {0.8},
                .room_below_clips = std::numeric_limits<double>::infinity(),
                .ranges = 0,
                .positions = 0,
                .fit = {.samples = 8,
                        .least_columns = 3000,
                        .columns_per_weight = 3,
                        .dampings = {0.05},
                        .sweeps = 1,
                        .longest_block = 576,
                        .activations = std::size_t{1000} << 20}};
  // The noise of 8-bit activations exceeds what rounding 8-bit weights loses: half the data, shorter blocks and GPTQ alone give nearly the
  // same.
  const bool weights_decide = input.scheme.activation_bits > 8 || has_short_weights(input.scheme);
  if (!weights_decide) {
    effort.fit.samples = 4;
    effort.fit.least_columns = 1500;
    effort.fit.longest_block = 128;
    effort.fit.sweeps = input.does("gptq") ? 0 : 1;
    effort.fit.float_target = false;
  }
  if (level >= Level::o2) {
    effort = {
        .judged = 12,
        .decisive_db = std::numeric_limits<double>::infinity(),
        .equalization = 12,
        .strengths = {0.4, 0.6, 0.8, 1.0},
        .room_below_clips = 1.5,
        .ranges = 16,
        .positions = 128,
        .fit = {
            .samples = 100, .least_columns = 24000, .columns_per_weight = 16, .dampings = {0.01, 0.1}, .sweeps = 2, .longest_block = 1536}};
  }
  effort.judged = judged_that_fit(plan.model.proto, effort.judged, least_judged, context);
  const auto longest = static_cast<std::size_t>(std::sqrt(static_cast<double>(context.working_memory) / bytes_per_pair));
  effort.fit.longest_block = std::min(effort.fit.longest_block, longest);
  FitMethods& methods = effort.fit.methods;
  methods = {input.does("target"), input.does("scale"), input.does("gptq"), input.does("descent")};
  if (level >= Level::o2) methods.beam = 8;
  if (level >= Level::o2 && input.does("rescale")) methods.rescale = 2;
  if (level >= Level::o3) {
    effort.fit.dampings = {0.003, 0.01, 0.03, 0.1};
    if (input.does("learned")) methods.learned = 200;
    if (weights_decide) set_draws(effort, plan, context);
  }
  effort.fit.correct_bias = input.does("bias-correction");
  return effort;
}

}  // namespace quantize
