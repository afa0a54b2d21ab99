// Fits one layer's integer weights to the FP32 layer's output, given the inputs that the already quantized layers produce. Pure numbers: no
// graph, no runtime.
//
// Steps per group (sources: Nagel et al. 2020 for the layer-wise view; Frantar et al. 2022, GPTQ; Behdin et al. 2023, QuantEase, for the
// descent):
//   1 target   W* = (W Hx + d W)(H + d I)^-1: the float weights that best repair the error of the inputs, damped towards W
//   2 scale    per row the fraction of max|w| / qmax with the least error weighted by diag(H)
//   3 GPTQ     columns in order of falling diag(H), the rounding error of each spread over those to come
//   4 descent  coordinate descent on the same objective
// Candidates with more and less damping, and plain nearest rounding, are judged row by row on columns of held-out samples; the best is
// kept.
#pragma once

#include <vector>

#include "base/context.h"
#include "optimize/moments.h"

namespace quantize {

struct FitSettings {
  std::int32_t low = -127, high = 127;         // integer range of the weights
  bool search_scale = true;                    // false: `scale` is fixed
  std::vector<double> dampings = {0.01, 0.1};  // of mean(diag H), tried as targets
  int sweeps = 2;
  std::vector<std::int32_t> largest = {};  // per row, the largest magnitude, where rows differ in it

  [[nodiscard]] Grid grid(std::size_t row, float scale) const {
    return largest.empty() ? Grid{scale, low, high} : Grid{scale, -largest[row], largest[row]};
  }
};

struct FittedGroup {
  Matrix weights;            // on the grid
  std::vector<float> scale;  // per row
};

// `scale`: per row, the scales of plain rounding; `least_scale`: per row, the floor that keeps the bias in int32.
FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const GroupMoments& check, const std::vector<float>& scale,
                      const std::vector<float>& least_scale, const FitSettings& settings, const Context& context);

// Rows of `weights` rounded to the nearest grid value.
Matrix round_to_grid(const Matrix& weights, std::span<const Grid> grids);

// Per row, the scale with the least error weighted by `importance` (one weight per column).
std::vector<float> search_scales(const Matrix& weights, std::span<const double> importance, const FitSettings& settings,
                                 const std::vector<float>& least_scale);

}  // namespace quantize
