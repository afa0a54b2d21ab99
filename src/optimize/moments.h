// Second moments of a layer's input columns, in the FP32 network and in the quantized one, from sampled positions: all the data that
// fitting a layer needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/context.h"
#include "optimize/columns.h"
#include "optimize/replay.h"

namespace quantize {

// Of one group, over one set of samples; K = column length.
struct GroupMoments {
  Matrix h;                             // covariance of x_q, K x K (not centered where the layer has no bias to take up the means)
  Matrix hx;                            // covariance of x_fp (rows) and x_q (columns)
  std::vector<double> mean_fp, mean_q;  // zero where not centered
};

// The samples are divided: every eighth is held out to judge candidates by.
struct LayerMoments {
  std::vector<GroupMoments> fit, check;  // per group
  std::size_t fit_columns = 0, check_columns = 0;
};

struct MomentSource {
  const Replay& fp32;
  const Replay& quantized;
  std::string fp32_tensor, quantized_tensor;  // the layer's input in either network
};

// `columns` positions in all, drawn without replacement by a generator seeded with `seed`; fewer where there are not as many.
LayerMoments measure_moments(const ColumnView& view, const MomentSource& source, std::size_t columns, bool centered, std::uint64_t seed,
                             const Context& context);

}  // namespace quantize
