// The cheapest assignment that reaches a target: bits are raised where measurement says that they buy most, then as few raises as the
// target needs are kept.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "encode/assignment.h"
#include "evaluate/comparison.h"
#include "mixed/cost.h"
#include "mixed/goals.h"
#include "mixed/sensitivity.h"

namespace quantize {

// One raise: A8 -> A16, W4 -> W8, or, as a last resort, a node left float.
struct Promotion {
  Unit unit;
  int to = 16;
  double noise = 0;  // of the first output's energy, that the unit alone makes
  double cost = 0;   // size and latency together, as fractions of FP32, that the raise adds when its turn comes
};

// All raises the budget allows, in the order in which they buy most accuracy for their cost; floats after everything else. `cost` is never
// less than a small constant: no raise is quite free.
std::vector<Promotion> rank_promotions(const std::vector<Sensitivity>& sensitivities, const CostModel& costs,
                                       const std::map<std::string, double>& budget);

// What running an assignment shows.
struct Trial {
  Accuracy accuracy;
  bool quantizes = true;  // anything: a model in which every node with weights is float is no result

  Trial(Accuracy figures, bool is_result = true) : accuracy(std::move(figures)), quantizes(is_result) {}
};

struct SearchResult {
  Assignment assignment;
  std::vector<Promotion> kept;
  Accuracy accuracy;  // on the samples the judge runs
  bool reached = false;
  int tried = 0;  // assignments that were run
};

// `judge` runs a whole assignment. Bisects the number of raises, then takes back those that are not needed. Where even all raises do not
// reach the target, or only those that leave nothing quantized do, the assignment that came nearest of those that quantize something.
SearchResult search_assignment(const std::vector<Promotion>& ranked, const std::map<std::string, double>& reach,
                               const std::function<Trial(const Assignment&)>& judge, const Context& context);

}  // namespace quantize
