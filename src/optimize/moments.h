// Second moments of a layer's input columns, in the FP32 network and in the quantized one, from sampled positions: all the data that
// fitting a layer needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/context.h"
#include "optimize/columns.h"
#include "optimize/error_gain.h"
#include "optimize/replay.h"

namespace quantize {

// A part of a group's columns that is fitted by itself: the whole column, or, where that is too long for K x K matrices, some of its input
// channels.
struct ColumnBlock {
  std::size_t group, offset, length;
};
// Blocks of at most about `longest` values, of whole channels (at least one).
std::vector<ColumnBlock> column_blocks(const ColumnView& view, std::size_t longest);

// Of one block, over one set of samples; K = its length. With an OutputGain, weighted means throughout.
struct GroupMoments {
  Matrix h;                             // covariance of x_q, K x K (not centered where the layer has no bias to take up the means)
  Matrix hx;                            // covariance of x_fp (rows) and x_q (columns)
  std::vector<double> mean_fp, mean_q;  // zero where not centered

  void add(const GroupMoments& other);  // h and hx
};

// The columns themselves, one after the other; where centered, less the means of what is fitted to, which the bias takes up: of a single
// column less its own mean nothing would be left.
struct GroupColumns {
  std::size_t count = 0;
  std::vector<float> fp, q;
};

// The samples are divided: every eighth, or the last of four to seven, is held out to judge candidates by; of fewer, every seventh
// position. What is held out is kept as columns where those are fewer than a column is long, else as moments.
struct LayerMoments {
  std::vector<ColumnBlock> blocks;
  std::vector<GroupMoments> fit, check;  // per block
  std::vector<GroupColumns> check_columns;
  std::size_t columns = 0;  // that `fit` is made from
};

// Columns that are gathered at once, in bytes, at most.
std::size_t batch_limit(const Context& context);

struct MomentSource {
  const Replay& fp32;
  const Replay& quantized;
  std::string fp32_tensor, quantized_tensor;  // the layer's input in either network
  const OutputGain* gain = nullptr;           // what each position counts for; null: all alike

  // Where shapes depend on data, positions of one network may be others, or none, in the other.
  [[nodiscard]] bool has_same_shapes() const;
};

// `columns` positions in all, drawn without replacement by a generator seeded with `seed`; fewer where there are not as many.
LayerMoments measure_moments(const ColumnView& view, std::vector<ColumnBlock> blocks, const MomentSource& source, std::size_t columns,
                             bool centered, std::uint64_t seed, const Context& context);

}  // namespace quantize
