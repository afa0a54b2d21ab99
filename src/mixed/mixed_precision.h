// MIXED: a target in figures -> the bits of every weight and activation that reach it most cheaply, and the plan made with them.
#pragma once

#include <cstdint>
#include <vector>

#include "mixed/goals.h"
#include "mixed/planner.h"
#include "mixed/sensitivity.h"
#include "report/report.h"

namespace quantize {

struct MixedInput {
  PlannerInput planner;
  Target written_for;  // the planner's target, as far as it is followed when the file is written
  Goals goals;
  LoadSample held_out;  // samples that neither ranges nor weights have seen: they decide whether the target is reached
  std::size_t held_out_samples = 0;
  ClassAxis axis = ClassAxis::first;
  std::uint64_t fp32_bytes = 0;
};

struct Mixed {
  Plan plan;
  Assignment assignment;
  MixedPrecision facts;
  std::vector<Step> steps;
};

// Where the target cannot be reached under the budget, or only with nothing quantized, the nearest that can; facts.reached says so. Throws
// Error{usage} where the scheme itself, without any raise, is over the budget. The figures of goals.reach are of the first output.
Mixed mix_precision(const MixedInput& input, Statistics statistics, Context& context);

}  // namespace quantize
