// Fits one layer's integer weights to the FP32 layer's output, given the inputs that the already quantized layers produce. Pure numbers: no
// graph, no runtime.
//
// Steps per group (sources: Nagel et al. 2020 for the layer-wise view; Frantar et al. 2022, GPTQ; Behdin et al. 2023, QuantEase, for the
// descent):
//   1 target   W* = (W Hx + d W)(H + d I)^-1: the float weights that best repair the error of the inputs, damped towards W
//   2 scale    per row the fraction of max|w| / qmax with the least error weighted by diag(H), of silent columns by a share of its median,
//              and where rows may have zero points, the one with which that is least; for short rows others around them, too, each taken
//              through the steps that follow
//   3 GPTQ     columns in order of falling diag(H), with 4 bits in one in which it errs less, the rounding error of each spread over those
//              to come; of rows of 4 bits and few columns several alternatives at once
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
#include "optimize/row_grids.h"
#include "optimize/row_judge.h"

namespace quantize {

// The methods of a fit, each of which can be left out.
struct FitMethods {
  bool target = true, scale = true, gptq = true, descent = true;
  int beam = 1;     // alternatives that GPTQ keeps of a row of 4 bits and at most 640 columns
  int rescale = 0;  // turns
  int learned = 0;  // iterations
};

struct FitSettings {
  bool search_scale = true;                    // false: the grids are fixed
  bool zero_points = false;                    // a row's integer range may move: as many integers, zero among them
  std::size_t block = 0;                       // columns that share a scale; 0: all of the row
  std::vector<double> dampings = {0.01, 0.1};  // of mean(diag H), tried as targets
  bool float_target = true;                    // the float weights themselves are one more, where there is another
  int sweeps = 2;
  FitMethods methods = {};
};

struct FittedGroup {
  Matrix weights;  // on the grids
  RowGrids grids;
};

// `grids`: per row, the integer range and the scale of plain rounding; `rules`: per row, what its scale may be.
FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const RowJudge& judge, const std::vector<Grid>& grids,
                      const std::vector<ScaleRule>& rules, const FitSettings& settings, const Context& context);

}  // namespace quantize
