// Plans for any assignment: quickly put together from weights fitted once, or fitted anew.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "encode/assignment.h"
#include "optimize/optimize.h"

namespace quantize {

struct PlannerInput {
  const Model& prepared;  // float, equalized
  Target target;
  Exclusions exclusions;
  OptimizeInput optimize;  // its scheme has no exceptions
  Level level = Level::o1;
  double pair_limit = 0;  // of sums of two products in 8-bit kernels, see pair_overflow.h; 0: none
};

class Planner {
 public:
  // `input` is kept by value but for the model and the samples it refers to, `statistics` are those of the scheme's placement.
  Planner(PlannerInput input, Statistics statistics, Context& context);

  // Every bit the scheme's.
  [[nodiscard]] const Plan& base() const { return *base_; }
  [[nodiscard]] const std::vector<Step>& base_steps() const { return base_steps_; }
  // base() with what is raised: activations encoded with their bits, and each weight as it was fitted with its own in a network of the
  // scheme's. What is not raised keeps the base's range, which may have been chosen by measurement: weights and biases were fitted to it.
  // Multipliers are what the raised activations make them: that fitting finds short ones where the target wants them (multiplier.h) costs
  // less than to make these weights' short.
  [[nodiscard]] Plan compose(const Assignment& assignment);
  // The same with short multipliers where the target wants them: as it may be written.
  [[nodiscard]] Plan compose_to_write(const Assignment& assignment);
  // Weights fitted to what the network of this assignment does. `steps` receives the optimizer's.
  [[nodiscard]] Plan fit(const Assignment& assignment, std::vector<Step>& steps);

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  [[nodiscard]] Plan encoded(const Assignment& assignment);
  [[nodiscard]] Plan fit(Plan plan, const Assignment& assignment, std::vector<Step>& steps);
  void keep_ranges(const Model& model, const Placement& placement, Encodings& encodings) const;
  [[nodiscard]] const Plan& fitted(int weight_bits);
  void keep_pairs_in_range(Plan& plan, double share) const;

  PlannerInput input_;
  Statistics statistics_;
  Context& context_;
  std::map<std::string, Encoding> plain_;  // the base's activations before any range was chosen by measurement
  std::vector<Step> base_steps_;
  std::optional<Plan> base_, wide_;  // wide: 4-bit weights given 8
};

}  // namespace quantize
