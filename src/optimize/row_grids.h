// The integer grids that a layer's rows are rounded to: scale and zero point of each.
#pragma once

#include <span>
#include <vector>

#include "base/context.h"
#include "encode/multiplier.h"
#include "optimize/linalg.h"

namespace quantize {

// What is chosen for the grids of rows.
struct RowGrids {
  std::vector<float> scale;       // per row, or per row and block
  std::vector<std::int32_t> low;  // per row: Grid::low
};

// Rows of `weights` rounded to the nearest grid value.
Matrix round_to_grid(const Matrix& weights, std::span<const Grid> grids);

// What columns count for, from the mean squares of their values.
std::vector<double> importance_of(std::vector<double> power);

// Per row, and per block of columns where `block` is not 0, the scale with the least error weighted by `importance` (one weight per
// column), for the integer ranges of `grids`, or, with `zero_points` and without blocks, for whichever range of as many integers suits
// best.
RowGrids search_grids(const Matrix& weights, std::span<const double> importance, std::span<const Grid> grids,
                      std::span<const ScaleRule> rules, std::size_t block, bool zero_points, const Context& context);

// What grids are, with a scale per row, or per row and block.
RowGrids row_grids(std::span<const Grid> grids, std::size_t block);

// `chosen` as grids, for rows of `cols` values; with blocks they refer to `columns`, which receives the scale of every column.
std::vector<Grid> as_grids(std::span<const Grid> plain, const RowGrids& chosen, std::size_t block, std::size_t cols, Matrix& columns);

}  // namespace quantize
