// OPTIMIZE: better weights and better encodings for the same model. Each step is kept only where the measured error falls.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/context.h"
#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/model.h"
#include "observe/calibrate.h"
#include "observe/statistics.h"
#include "optimize/level.h"
#include "report/report.h"

namespace quantize {

// What the steps work on; after optimize() the weights of `model` lie on the grid of `encodings`, so that nearest rounding reproduces them
// exactly.
struct Plan {
  Model model;  // prepared
  Placement placement;
  Encodings encodings;
};

// What the float network makes of samples, by their numbers: computed once for all steps that judge by it, see judge.h.
class References;

// Samples and settings shared by the steps.
struct OptimizeInput {
  Scheme scheme;
  LoadSample load;
  std::size_t samples = 0;
  std::uint64_t seed = 0;
  std::set<std::string> without = {};  // steps and methods to leave out, see step_names()
  std::size_t live_bytes = 0;          // of one sample's activations, alive at once in the float network; 0: to be measured
  std::shared_ptr<References> references = {};
  std::vector<std::size_t> numbers = {};  // of the samples, among all there are; empty: 0, 1, 2, ...

  [[nodiscard]] bool does(const std::string& step) const { return !without.contains(step); }
  [[nodiscard]] std::size_t number(std::size_t sample) const { return numbers.empty() ? sample : numbers[sample]; }
};

// What `without` may hold: "round-to-pixels", "merge-groups", "resize-by-products", "point-products", "integer-prelu",
// "integer-hard-swish" and "weight-zero-points" (of the pipeline), "equalize", "absorb-bias", "migrate", "ranges", "fit-weights" and the
// methods of the latter, "target", "scale", "gptq", "descent", "rescale", "learned", "bias-correction".
const std::vector<std::string>& step_names();

// Steps before calibration: they change float weights without changing the function (equalization). What they have seen of the samples on
// the way is a part of the calibration of what they leave: those need not run again.
struct BeforeCalibration {
  std::vector<Step> steps;
  Seen seen;
};
BeforeCalibration optimize_before_calibration(Plan& plan, const OptimizeInput& input, Level level, Context& context);
// Steps after encoding: activation ranges, weights, biases. `statistics`: what the encodings were made from.
std::vector<Step> optimize_after_encoding(Plan& plan, const Statistics& statistics, const OptimizeInput& input, Level level,
                                          Context& context);

// What both of them keep in memory at the most, in bytes, besides the models.
std::size_t optimize_bytes(const Plan& plan, const OptimizeInput& input, Level level, const Context& context);

}  // namespace quantize
