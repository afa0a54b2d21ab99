#include "optimize/fit_layer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr std::int32_t few_levels = 15;            // of 4 bits: with 8 there is nothing to gain but what chance shows
constexpr std::size_t short_row = 128;             // columns up to which grids are tried to the end,
constexpr std::size_t most_columns_of_beam = 640;  // and up to which alternatives are kept: their cost grows with the square
constexpr double gptq_damping = 0.01;              // of the mean of diag(H)
constexpr double most_learned = 1.5e9;             // rows x columns^2: a layer beyond it would take minutes to learn

bool has_few_bits(const Grid& grid) { return grid.high - grid.low <= few_levels; }

std::vector<double> diagonal(const Matrix& h) {
  std::vector<double> values(h.rows);
  for (std::size_t i = 0; i < h.rows; ++i) values[i] = h(i, i);
  return values;
}

Matrix permute_columns(const Matrix& m, std::span<const std::size_t> order) {
  Matrix result(m.rows, m.cols);
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) result(r, c) = m(r, order[c]);
  }
  return result;
}

Matrix restore_columns(const Matrix& m, std::span<const std::size_t> order) {
  Matrix result(m.rows, m.cols);
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) result(r, order[c]) = m(r, c);
  }
  return result;
}

// Grids for columns in another order; `columns` receives the scales they then refer to, where they have one for each column.
void reorder(std::span<Grid> grids, std::span<const std::size_t> order, Matrix& columns) {
  if (grids[0].columns.empty()) return;
  columns = Matrix(grids.size(), order.size());
  for (std::size_t r = 0; r < grids.size(); ++r) {
    for (std::size_t k = 0; k < order.size(); ++k) columns(r, k) = grids[r].columns[order[k]];
    grids[r].columns = columns.row(r);
  }
}

// The layer's columns in the order GPTQ takes them, and what it needs of the moments.
struct Ordered {
  std::vector<std::size_t> order;
  Matrix h, factor;
  std::vector<double> importance;  // of the columns as they are stored
  bool usable = false;
};

// With 8 bits the order hardly matters, and that of the diagonal costs less.
Ordered order_columns(const Matrix& h, bool few_bits) {
  Ordered result;
  const auto power = diagonal(h);
  const double mean = std::accumulate(power.begin(), power.end(), 0.0) / static_cast<double>(h.rows);
  result.importance = importance_of(power);
  result.order.resize(h.rows);
  if (few_bits) {
    linalg().gptq_order(h, gptq_damping * mean, result.order);
  } else {
    std::iota(result.order.begin(), result.order.end(), std::size_t{0});
    std::ranges::stable_sort(result.order, std::ranges::greater(), [&](std::size_t column) { return power[column]; });
  }
  result.h = Matrix(h.rows, h.cols);
  for (std::size_t r = 0; r < h.rows; ++r) {
    for (std::size_t c = 0; c < h.cols; ++c) result.h(r, c) = h(result.order[r], result.order[c]);
  }
  Matrix damped = result.h;
  for (std::size_t i = 0; i < h.rows; ++i) {
    if (damped(i, i) <= 0) damped(i, i) = mean > 0 ? mean : 1;  // an input that is always zero: any value does
  }
  result.factor = Matrix(h.rows, h.cols);
  result.usable = mean > 0 && linalg().inverse_factor(damped, gptq_damping * mean, result.factor);
  return result;
}

// One row with its grid, from one group to the same or another place of the next.
void take_row(const FittedGroup& from, std::size_t row, FittedGroup& to, std::size_t place) {
  const std::size_t per_row = from.grids.scale.size() / from.weights.rows;
  std::ranges::copy(from.weights.row(row), to.weights.row(place).begin());
  std::copy_n(from.grids.scale.begin() + static_cast<std::ptrdiff_t>(row * per_row), per_row,
              to.grids.scale.begin() + static_cast<std::ptrdiff_t>(place * per_row));
  to.grids.low[place] = from.grids.low[row];
}

// All scales of a row by one factor; each is a float afterwards too, in either form, and the values stay on the grid.
void rescale_blocks(double factor, std::span<float> scale, std::span<double> columns, std::span<double> values) {
  for (auto& value : scale) value = static_cast<float>(value * factor);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double before = columns[k];
    columns[k] = static_cast<double>(static_cast<float>(before * factor));
    values[k] = std::nearbyint(values[k] / before) * columns[k];
  }
}

// The factor on the row's scales that brings it nearest to its target: q H w / q H q. What its rule does not allow, and a factor far from 1
// (a row that vanished), leave it alone.
void rescale_rows(const Matrix& wanted, const Matrix& h, std::span<const ScaleRule> rules, Matrix& q, std::span<float> scale,
                  std::span<Grid> grids, Matrix& columns) {
  const std::size_t per_row = scale.size() / q.rows;
  Matrix product(q.rows, q.cols);
  linalg().multiply(q, h, product);
  for (std::size_t r = 0; r < q.rows; ++r) {
    double along = 0, own = 0;
    for (std::size_t k = 0; k < q.cols; ++k) {
      along += product(r, k) * wanted(r, k);
      own += product(r, k) * q(r, k);
    }
    if (!(own > 0) || !(along > 0.5 * own) || !(along < 2 * own)) continue;
    if (per_row > 1) {
      rescale_blocks(along / own, scale.subspan(r * per_row, per_row), columns.row(r), q.row(r));
      continue;
    }
    const float changed = rules[r].nearest(scale[r] * (along / own));
    const double ratio = static_cast<double>(changed) / scale[r];
    for (auto& value : q.row(r)) value *= ratio;
    scale[r] = changed;
    grids[r].scale = changed;
  }
}

// Some rows, from given grids on. `wanted`, and the weights returned: in the order of the columns; `own`, `rules`: of these rows.
FittedGroup round_rows(const Matrix& wanted, RowGrids chosen, const Ordered& ordered, std::span<const Grid> own,
                       std::span<const ScaleRule> rules, const FitSettings& settings) {
  const FitMethods& methods = settings.methods;
  Matrix as_stored, columns;
  std::vector<Grid> grids(own.begin(), own.end());
  if (settings.search_scale) grids = as_grids(own, chosen, settings.block, wanted.cols, as_stored);
  reorder(grids, ordered.order, columns);
  FittedGroup result{Matrix(wanted.rows, wanted.cols), std::move(chosen)};
  Matrix& q = result.weights;
  if (methods.gptq && methods.beam > 1 && wanted.cols <= most_columns_of_beam && has_few_bits(own[0])) {
    linalg().gptq_beam(wanted, ordered.factor, grids, methods.beam, q);
  } else if (methods.gptq) {
    linalg().gptq(wanted, ordered.factor, grids, q);
  } else {
    q = round_to_grid(wanted, grids);
  }
  const int sweeps = methods.descent ? settings.sweeps : 0;
  if (sweeps > 0) linalg().descend(wanted, ordered.h, grids, sweeps, q);
  for (int turn = 0; turn < methods.rescale && settings.search_scale; ++turn) {
    rescale_rows(wanted, ordered.h, rules, q, result.grids.scale, grids, columns);
    linalg().descend(wanted, ordered.h, grids, std::min(sweeps, 1), q);
  }
  if (methods.learned > 0 && static_cast<double>(wanted.rows) * static_cast<double>(wanted.cols * wanted.cols) <= most_learned) {
    linalg().learn_rounding(wanted, ordered.h, grids, methods.learned, q);
    linalg().descend(wanted, ordered.h, grids, sweeps, q);
  }
  return result;
}

// Grids around these: scales by a factor, ranges moved by so many integers.
std::optional<RowGrids> next_to(const RowGrids& grids, double factor, int move, std::span<const Grid> own,
                                std::span<const ScaleRule> rules) {
  RowGrids result = grids;
  for (std::size_t r = 0; r < grids.low.size(); ++r) {
    result.scale[r] = rules[r].nearest(grids.scale[r] * factor);
    result.low[r] = std::clamp(grids.low[r] + move, own[r].low - own[r].high, 0);
  }
  if (result.scale == grids.scale && result.low == grids.low) return {};  // all that the rules allow near there
  return result;
}

// Rows of few values: rounding has little freedom there, and the best grid is not the one that suits nearest rounding best. Others around
// it are tried to the end; row by row the best is kept.
void try_grids(const Matrix& wanted, const Ordered& ordered, std::span<const Grid> own, std::span<const ScaleRule> rules,
               const FitSettings& settings, FittedGroup& best) {
  Matrix h = ordered.h;
  for (std::size_t k = 0; k < h.rows; ++k) h(k, k) = ordered.importance[ordered.order[k]];
  std::vector<double> least(wanted.rows), error(wanted.rows);
  linalg().quadratic_error(wanted, best.weights, h, least);
  const auto attempt = [&](const RowGrids& around, double factor, int move) {
    const auto grids = next_to(around, factor, move, own, rules);
    if (!grids) return;
    const FittedGroup rounded = round_rows(wanted, *grids, ordered, own, rules, settings);
    linalg().quadratic_error(wanted, rounded.weights, h, error);
    for (std::size_t r = 0; r < wanted.rows; ++r) {
      if (!(error[r] < least[r])) continue;
      least[r] = error[r];
      take_row(rounded, r, best, r);
    }
  };
  const RowGrids around = best.grids;
  for (const double factor : {0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.2}) attempt(around, factor, 0);
  if (!settings.zero_points) return;
  const RowGrids scaled = best.grids;
  for (const int move : {-2, -1, 1, 2}) {
    for (const double factor : {0.92, 1.0, 1.08}) attempt(scaled, factor, move);
  }
}

// Everything from the scale on, towards `target`.
FittedGroup round_towards(const Matrix& target, const Ordered& ordered, const std::vector<Grid>& plain, const std::vector<ScaleRule>& rules,
                          const FitSettings& settings, const Context& context) {
  const bool free_scale = settings.search_scale && settings.methods.scale;
  FittedGroup candidate{Matrix(target.rows, target.cols), row_grids(plain, settings.block)};
  const std::size_t pieces = (target.rows + rows_at_a_time - 1) / rows_at_a_time;
  parallel_for(context, pieces, [&](std::size_t piece, unsigned) {
    const std::size_t begin = piece * rows_at_a_time, count = std::min(rows_at_a_time, target.rows - begin);
    const auto own_rules = std::span(rules).subspan(begin, count);
    const Matrix rows = some_rows(target, begin, count), wanted = permute_columns(rows, ordered.order);
    const auto own = std::span(plain).subspan(begin, count);
    auto chosen = free_scale ? search_grids(rows, ordered.importance, own, own_rules, settings.block, settings.zero_points, Context{})
                             : row_grids(own, settings.block);
    FittedGroup rounded = round_rows(wanted, std::move(chosen), ordered, own, own_rules, settings);
    if (free_scale && settings.block == 0 && target.cols <= short_row && has_few_bits(own[0]))
      try_grids(wanted, ordered, own, own_rules, settings, rounded);
    rounded.weights = restore_columns(rounded.weights, ordered.order);
    for (std::size_t r = 0; r < count; ++r) take_row(rounded, r, candidate, begin + r);
  });
  return candidate;
}

}  // namespace

FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const RowJudge& judge, const std::vector<Grid>& grids,
                      const std::vector<ScaleRule>& rules, const FitSettings& settings, const Context& context) {
  const auto power = diagonal(fit.h);
  const double mean = std::accumulate(power.begin(), power.end(), 0.0) / static_cast<double>(power.size());
  FittedGroup fitted{round_to_grid(weights, grids), row_grids(grids, settings.block)};
  std::vector<double> best = judge(fitted.weights, context);
  if (!(mean > 0)) return fitted;

  // The target solves and the factorisation do not depend on one another.
  std::vector<Matrix> targets(settings.dampings.size(), Matrix(weights.rows, weights.cols));
  std::vector<char> solved(targets.size());
  Ordered ordered;
  parallel_for(context, targets.size() + 1, [&](std::size_t task, unsigned) {
    if (task == 0) {
      ordered = order_columns(fit.h, has_few_bits(grids[0]));
    } else {
      if (!settings.methods.target) return;
      solved[task - 1] = linalg().solve_target(weights, fit.h, fit.hx, settings.dampings[task - 1] * mean, targets[task - 1]);
    }
  });
  if (!ordered.usable) return fitted;
  const bool alone = std::ranges::find(solved, 1) == solved.end();
  if (settings.float_target || alone) {  // infinitely damped
    targets.push_back(weights);
    solved.push_back(1);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (solved[i] == 0) continue;
    const FittedGroup candidate = round_towards(targets[i], ordered, grids, rules, settings, context);
    const auto error = judge(candidate.weights, context);
    for (std::size_t r = 0; r < weights.rows; ++r) {
      if (!(error[r] < best[r])) continue;
      best[r] = error[r];
      take_row(candidate, r, fitted, r);
    }
  }
  return fitted;
}

}  // namespace quantize
