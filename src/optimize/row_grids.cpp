#include "optimize/row_grids.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr double tiny = 1e-9;              // a range below it is none
constexpr double least_importance = 0.03;  // of the median: what is silent in the few samples seen may be loud in others

// The grid of one row, or of one block of it, with the least error weighted by importance.
struct RowSearch {
  std::span<const double> row, importance;
  const ScaleRule& rule;
  Grid best = {};
  double least = std::numeric_limits<double>::infinity();

  void attempt(double scale, std::int32_t low, std::int32_t high) {
    const Grid grid{static_cast<double>(rule.nearest(scale)), low, high};
    const double error = linalg().rounding_error(row, importance, grid);
    if (!(error < least)) return;
    least = error;
    best = grid;
  }

  // Shares of the scale that has room for the largest magnitude.
  void with_range(std::int32_t low, std::int32_t high) {
    double largest = tiny;
    for (const double w : row) largest = std::max(largest, std::fabs(w));
    for (int step = 0; step < 76; ++step) attempt(largest / high * (0.30 + 0.01 * step), low, high);
  }

  // Ranges of as many integers between the symmetric one and that with the row's own ends, and one beyond.
  void with_any_range(std::int32_t levels) {
    const std::int32_t middle = -(levels + 1) / 2;
    with_range(middle, middle + levels);
    const auto [least_value, most_value] = std::ranges::minmax(row);
    const double smallest = std::min(least_value, 0.0), largest = std::max(most_value, 0.0);
    if (!(largest - smallest > tiny)) return;
    const auto own = static_cast<std::int32_t>(std::nearbyint(smallest / (largest - smallest) * levels));
    const std::int32_t from = std::max(std::min(own, middle) - 1, -levels), to = std::min(std::max(own, middle) + 1, 0);
    const auto covering = [&](std::int32_t low) {
      return std::max(low < 0 ? smallest / low : 0, low + levels > 0 ? largest / (low + levels) : 0);
    };
    for (std::int32_t low = from; low <= to; ++low) {
      for (int step = 0; step < 12; ++step) attempt(covering(low) * (0.5 + 0.05 * step), low, low + levels);
    }
    const Grid coarse = best;
    for (int step = -4; step <= 4; ++step) attempt(coarse.scale * (1 + 0.0125 * step), coarse.low, coarse.high);
  }
};

}  // namespace

Matrix round_to_grid(const Matrix& weights, std::span<const Grid> grids) {
  Matrix q(weights.rows, weights.cols);
  for (std::size_t r = 0; r < q.rows; ++r) {
    for (std::size_t c = 0; c < q.cols; ++c) {
      const double scale = grids[r].at(c);
      q(r, c) = std::clamp<double>(std::nearbyint(weights(r, c) / scale), grids[r].low, grids[r].high) * scale;
    }
  }
  return q;
}

std::vector<double> importance_of(std::vector<double> power) {
  std::vector<double> loud;
  std::ranges::copy_if(power, std::back_inserter(loud), [](double value) { return value > 0; });
  if (loud.empty()) return power;
  const auto middle = loud.begin() + std::ssize(loud) / 2;
  std::ranges::nth_element(loud, middle);
  for (auto& value : power) value = std::max(value, least_importance * *middle);
  return power;
}

RowGrids search_grids(const Matrix& weights, std::span<const double> importance, std::span<const Grid> grids,
                      std::span<const ScaleRule> rules, std::size_t block, bool zero_points, const Context& context) {
  const std::size_t width = block == 0 ? weights.cols : block, per_row = (weights.cols + width - 1) / width;
  RowGrids chosen{std::vector<float>(weights.rows * per_row), std::vector<std::int32_t>(weights.rows)};
  parallel_for(context, weights.rows, [&](std::size_t r, unsigned) {
    for (std::size_t begin = 0; begin < weights.cols; begin += width) {
      const std::size_t count = std::min(width, weights.cols - begin);
      RowSearch search{weights.row(r).subspan(begin, count), importance.subspan(begin, count), rules[r]};
      if (zero_points && block == 0) {
        search.with_any_range(grids[r].high - grids[r].low);
      } else {
        search.with_range(grids[r].low, grids[r].high);
      }
      chosen.scale[r * per_row + begin / width] = static_cast<float>(search.best.scale);
      chosen.low[r] = search.best.low;
    }
  });
  return chosen;
}

RowGrids row_grids(std::span<const Grid> grids, std::size_t block) {
  RowGrids result;
  for (const auto& grid : grids) {
    const std::size_t count = grid.columns.empty() ? 1 : grid.columns.size(), step = grid.columns.empty() ? 1 : block;
    for (std::size_t k = 0; k < count; k += step) result.scale.push_back(static_cast<float>(grid.at(k)));
    result.low.push_back(grid.low);
  }
  return result;
}

std::vector<Grid> as_grids(std::span<const Grid> plain, const RowGrids& chosen, std::size_t block, std::size_t cols, Matrix& columns) {
  std::vector<Grid> result(plain.begin(), plain.end());
  for (std::size_t r = 0; r < result.size(); ++r) {
    result[r].high += chosen.low[r] - result[r].low;
    result[r].low = chosen.low[r];
    if (block == 0) result[r].scale = static_cast<double>(chosen.scale[r]);
  }
  if (block == 0) return result;
  const std::size_t per_row = chosen.scale.size() / plain.size();
  columns = Matrix(plain.size(), cols);
  for (std::size_t r = 0; r < result.size(); ++r) {
    for (std::size_t k = 0; k < cols; ++k) columns(r, k) = static_cast<double>(chosen.scale[r * per_row + k / block]);
    result[r].columns = columns.row(r);
  }
  return result;
}

}  // namespace quantize
