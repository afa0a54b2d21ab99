// MEMORY: what a run will need, said before it begins, and what its steps may use where there is a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/context.h"
#include "optimize/optimize.h"
#include "pipeline/open_samples.h"

namespace quantize {

// All in bytes.
struct MemoryNeeds {
  std::uint64_t models = 0;       // of the program, the model's copies and the sessions that hold its weights
  std::uint64_t run = 0;          // of one sample's run through the model
  std::uint64_t calibration = 0;  // the peaks of the stages
  std::uint64_t optimization = 0;
  std::uint64_t sensitivity = 0;  // 0 where it is not measured
  std::uint64_t evaluation = 0;   // 0 without pictures to evaluate by

  [[nodiscard]] std::uint64_t peak() const;
};

// What the run will do that takes memory.
struct MemoryUse {
  Level level = Level::o1;
  bool evaluated = false;        // there are pictures for that
  std::size_t deciding = 0;      // held-out samples that decide whether a target is reached: FP32's outputs for them are kept
  std::size_t output_bytes = 0;  // of one of those outputs
  bool sensitivity = false;      // it is measured, for a table or to know what --reach raises
  // Of one sample, while its files are decoded. Those of the samples that only judge the result must not decide anything else.
  std::size_t reading_bytes = 0, test_reading_bytes = 0;
};

// The inputs of the largest sample that the model is made from: the first one where it fixes their size. Where it does not, each is loaded
// once. Those that only judge the result do not count: how many samples fit decides the bytes of the result.
std::vector<Tensor> largest_inputs(const Samples& samples, const Context& context);

// As many of the deciding samples as have their outputs in the working memory, at least two: from one, nothing is known of the spread.
std::size_t deciding_that_fit(const MemoryUse& use, const Context& context);

// For the threads, samples at once and working memory of the context. `input.live_bytes` has to be known.
MemoryNeeds memory_needs(const Plan& plan, const OptimizeInput& input, const MemoryUse& use, const Context& context);

// Sets the working memory and the samples run at once so that the peak stays below `limit`, or as near as it gets: the bytes of the result
// depend on the limit, through the samples that weights are fitted on, but not on the number of threads. Throws Error{usage}, with what is
// needed at least, where the models alone are too large.
void keep_within(std::uint64_t limit, const Plan& plan, const OptimizeInput& input, const MemoryUse& use, Context& context);

}  // namespace quantize
