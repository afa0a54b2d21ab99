// The ranges that an activation may have: what select_ranges() chooses from.
#pragma once

#include <cstddef>
#include <vector>

#include "encode/encodings.h"
#include "encode/placement.h"
#include "encode/ranges.h"
#include "encode/scheme.h"
#include "observe/statistics.h"

namespace quantize {

constexpr std::size_t most_range_options = 10;

struct RangeOption {
  Encoding encoding;
  double expected = 0;  // squared error per value over all of calibration, clipping weighed
  double error = 0;     // relative to the signal at the readers' outputs, summed over them
};

// What `expected` weighs errors by.
ErrorWeights range_error_weights(const TensorGroup& group);

// The first is `own`, the one that the group has; no two are the same.
std::vector<RangeOption> range_options(const TensorGroup& group, const Encoding& own, const Statistics& statistics, const Scheme& scheme);

}  // namespace quantize
