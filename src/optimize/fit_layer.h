// Fits one layer's integer weights to the FP32 layer's output, given the inputs that the already quantized layers produce. Pure numbers: no
// graph, no runtime.
//
// Steps per group (sources: Nagel et al. 2020 for the layer-wise view; Frantar et al. 2022, GPTQ; Behdin et al. 2023, QuantEase, for the
// descent):
//   1 target   W* = (W Hx + d W)(H + d I)^-1: the float weights that best repair the error of the inputs, damped towards W
//   2 scale    per row the fraction of max|w| / qmax with the least error weighted by diag(H); for short rows others around it, too,
//              each taken through the steps that follow
//   3 GPTQ     columns in order of falling diag(H), the rounding error of each spread over those to come
//   4 descent  coordinate descent on the same objective
//   5 rescale  per row the factor on the scale that fits the rounded row best (an affine correction of the output channel, with the bias),
//              then descent again
//   6 learned  AdaRound from there
// Candidates with more and less damping, and plain nearest rounding, are judged row by row on held-out samples; the best is kept.
#pragma once

#include <vector>

#include "base/context.h"
#include "encode/multiplier.h"
#include "optimize/moments.h"
#include "optimize/row_judge.h"

namespace quantize {

// The methods of a fit, each of which can be left out.
struct FitMethods {
  bool target = true, scale = true, gptq = true, descent = true;
  int rescale = 0;  // turns
  int learned = 0;  // iterations
};

struct FitSettings {
  bool search_scale = true;                    // false: the grids' scales are fixed
  std::size_t block = 0;                       // columns that share a scale; 0: all of the row
  std::vector<double> dampings = {0.01, 0.1};  // of mean(diag H), tried as targets
  bool float_target = true;                    // the float weights themselves are one more, where there is another
  int sweeps = 2;
  FitMethods methods = {};
};

struct FittedGroup {
  Matrix weights;            // on the grid
  std::vector<float> scale;  // per row, or per row and block
};

// `grids`: per row, the integer range and the scale of plain rounding; `rules`: per row, what its scale may be.
FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const RowJudge& judge, const std::vector<Grid>& grids,
                      const std::vector<ScaleRule>& rules, const FitSettings& settings, const Context& context);

// Rows of `weights` rounded to the nearest grid value.
Matrix round_to_grid(const Matrix& weights, std::span<const Grid> grids);

// Per row, and per block of columns where `block` is not 0, the scale with the least error weighted by `importance` (one weight per
// column), for the integer ranges of `grids`.
std::vector<float> search_scales(const Matrix& weights, std::span<const double> importance, std::span<const Grid> grids,
                                 std::span<const ScaleRule> rules, std::size_t block, const Context& context);

// The scales of grids, per row, or per row and block.
std::vector<float> scales_of(std::span<const Grid> grids, std::size_t block);

// Grids of the same integer ranges with scales as above, for rows of `cols` values; with blocks they refer to `columns`, which receives the
// scale of every column.
std::vector<Grid> with_scales(std::span<const Grid> grids, std::span<const float> scale, std::size_t block, std::size_t cols,
                              Matrix& columns);

}  // namespace quantize
