// EFFORT: what each optimisation level spends on each step.
#pragma once

#include <cstddef>
#include <vector>

#include "base/context.h"
#include "optimize/fit_network.h"
#include "optimize/optimize.h"

namespace quantize {

struct Effort {
  std::size_t judged;             // samples that judge
  double decisive_db;             // a difference by which the loudest of them decides alone
  std::size_t equalization;       // samples that trial ranges are taken from, besides those that judge
  std::vector<double> strengths;  // of equalization, mildest first
  double room_below_clips;        // a ReLU6 network lost 8 dB on a picture louder than the few that -O1 goes by
  std::size_t ranges, positions;  // samples and positions in each that ranges are chosen by; none: they stay the automatic ones
  FitEffort fit;
};

// For this plan, scheme and memory; steps that `input` leaves out count as well.
Effort effort_of(const Plan& plan, const OptimizeInput& input, Level level, const Context& context);

}  // namespace quantize
