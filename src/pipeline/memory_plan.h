// MEMORY: what a run will need, said before it begins, and what its steps may use where there is a limit.
#pragma once

#include <cstdint>

#include "base/context.h"
#include "optimize/optimize.h"

namespace quantize {

// All in bytes.
struct MemoryNeeds {
  std::uint64_t models = 0;       // of the program, the model's copies and the sessions that hold its weights
  std::uint64_t run = 0;          // of one sample's run through the model
  std::uint64_t calibration = 0;  // the peaks of the stages
  std::uint64_t optimization = 0;
  std::uint64_t evaluation = 0;  // 0 without pictures to evaluate by

  [[nodiscard]] std::uint64_t peak() const;
};

// For the threads, samples at once and working memory of the context. `input.live_bytes` has to be known. `evaluated`: there are
// pictures for that.
MemoryNeeds memory_needs(const Plan& plan, const OptimizeInput& input, Level level, bool evaluated, const Context& context);

// Sets the working memory and the samples run at once so that the peak stays below `limit`, or as near as it gets: the bytes of the result
// depend on the limit, through the samples that weights are fitted on, but not on the number of threads. Throws Error{usage}, with what is
// needed at least, where the models alone are too large.
void keep_within(std::uint64_t limit, const Plan& plan, const OptimizeInput& input, Level level, bool evaluated, Context& context);

}  // namespace quantize
