// --placement auto: which of the operators that could run on integers or in float do so is decided by this machine's clock, not by the
// target's table. What comes out depends on the machine and, where alternatives are nearly as fast, on chance.
#pragma once

#include <span>
#include <vector>

#include "base/context.h"
#include "encode/exclusions.h"
#include "optimize/optimize.h"
#include "report/report.h"

namespace quantize {

// The share of its time that an alternative must save, in medians of runs in turn, and the decibels of SQNR it may cost.
constexpr double least_gain = 0.03, affordable_loss_db = 1;

struct PlacementInput {
  const Model& model;  // prepared
  const Exclusions& exclusions;
  const OptimizeInput& samples;   // accuracy is judged on the first few
  std::span<const Tensor> timed;  // what is run to measure time
};

// Changes `target` (the operators it leaves float) one operator at a time, as long as that is faster and no less accurate. Returns every
// alternative that was timed.
std::vector<PlacementTrial> choose_placement(Target& target, const PlacementInput& input, Context& context);

}  // namespace quantize
