#include "optimize/fit_layer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr std::size_t few_columns = 128;  // up to which scales are tried to the end,
constexpr std::int32_t few_levels = 7;    // with 4 bits: with 8 there is nothing to gain but what chance shows
constexpr double most_learned = 1.5e9;    // rows x columns^2: a layer beyond it would take minutes to learn

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
  bool usable = false;
};

Ordered order_columns(const Matrix& h) {
  Ordered result;
  const auto importance = diagonal(h);
  result.order.resize(h.rows);
  std::iota(result.order.begin(), result.order.end(), std::size_t{0});
  std::stable_sort(result.order.begin(), result.order.end(), [&](std::size_t a, std::size_t b) { return importance[a] > importance[b]; });
  result.h = Matrix(h.rows, h.cols);
  for (std::size_t r = 0; r < h.rows; ++r) {
    for (std::size_t c = 0; c < h.cols; ++c) result.h(r, c) = h(result.order[r], result.order[c]);
  }
  const double mean = std::accumulate(importance.begin(), importance.end(), 0.0) / static_cast<double>(h.rows);
  Matrix damped = result.h;
  for (std::size_t i = 0; i < h.rows; ++i) {
    if (damped(i, i) <= 0) damped(i, i) = mean > 0 ? mean : 1;  // an input that is always zero: any value does
  }
  result.factor = Matrix(h.rows, h.cols);
  result.usable = mean > 0 && linalg().inverse_factor(damped, 0.01 * mean, result.factor);
  return result;
}

struct Candidate {
  Matrix weights;
  std::vector<float> scale;
};

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

struct RoundedRows {
  Matrix q;  // columns in order
  std::vector<float> scales;
};

// Some rows, from given scales on. `wanted`: in the order of the columns; `own`, `rules`: of these rows.
RoundedRows round_rows(const Matrix& wanted, std::vector<float> scales, const Ordered& ordered, std::span<const Grid> own,
                       std::span<const ScaleRule> rules, const FitSettings& settings) {
  const FitMethods& methods = settings.methods;
  Matrix as_stored, columns;
  std::vector<Grid> grids(own.begin(), own.end());
  if (settings.search_scale) grids = with_scales(own, scales, settings.block, wanted.cols, as_stored);
  reorder(grids, ordered.order, columns);
  RoundedRows result{Matrix(wanted.rows, wanted.cols), std::move(scales)};
  Matrix& q = result.q;
  if (methods.gptq) {
    linalg().gptq(wanted, ordered.factor, grids, q);
  } else {
    q = round_to_grid(wanted, grids);
  }
  const int sweeps = methods.descent ? settings.sweeps : 0;
  if (sweeps > 0) linalg().descend(wanted, ordered.h, grids, sweeps, q);
  for (int turn = 0; turn < methods.rescale && settings.search_scale; ++turn) {
    rescale_rows(wanted, ordered.h, rules, q, result.scales, grids, columns);
    linalg().descend(wanted, ordered.h, grids, std::min(sweeps, 1), q);
  }
  if (methods.learned > 0 && static_cast<double>(wanted.rows) * static_cast<double>(wanted.cols * wanted.cols) <= most_learned) {
    linalg().learn_rounding(wanted, ordered.h, grids, methods.learned, q);
    linalg().descend(wanted, ordered.h, grids, sweeps, q);
  }
  return result;
}

// Rows of few values: rounding has little freedom there, and the best scale is not the one that suits nearest rounding best. Others around
// it are tried to the end; row by row the best is kept.
void try_scales(const Matrix& wanted, const Ordered& ordered, std::span<const Grid> own, std::span<const ScaleRule> rules,
                const FitSettings& settings, RoundedRows& best) {
  std::vector<double> least(wanted.rows), error(wanted.rows);
  linalg().quadratic_error(wanted, best.q, ordered.h, least);
  const std::vector<float> around = best.scales;
  for (const double factor : {0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.2}) {
    std::vector<float> scales;
    for (std::size_t r = 0; r < around.size(); ++r) scales.push_back(rules[r].nearest(around[r] * factor));
    if (scales == around) continue;  // all that the rules allow near there
    const RoundedRows rounded = round_rows(wanted, std::move(scales), ordered, own, rules, settings);
    linalg().quadratic_error(wanted, rounded.q, ordered.h, error);
    for (std::size_t r = 0; r < wanted.rows; ++r) {
      if (!(error[r] < least[r])) continue;
      least[r] = error[r];
      best.scales[r] = rounded.scales[r];
      std::copy_n(rounded.q.row(r).begin(), wanted.cols, best.q.row(r).begin());
    }
  }
}

// Everything from the scale on, towards `target`.
Candidate round_towards(const Matrix& target, const Ordered& ordered, std::span<const double> importance, const std::vector<Grid>& plain,
                        const std::vector<ScaleRule>& rules, const FitSettings& settings, const Context& context) {
  const bool free_scale = settings.search_scale && settings.methods.scale;
  Candidate candidate{Matrix(target.rows, target.cols), scales_of(plain, settings.block)};
  const std::size_t per_row = candidate.scale.size() / target.rows;
  const std::size_t pieces = (target.rows + rows_at_a_time - 1) / rows_at_a_time;
  parallel_for(context, pieces, [&](std::size_t piece, unsigned) {
    const std::size_t begin = piece * rows_at_a_time, count = std::min(rows_at_a_time, target.rows - begin);
    const auto own_rules = std::span(rules).subspan(begin, count);
    const Matrix rows = some_rows(target, begin, count), wanted = permute_columns(rows, ordered.order);
    const auto own = std::span(plain).subspan(begin, count);
    auto scales = free_scale ? search_scales(rows, importance, own, own_rules, settings.block, Context{}) : scales_of(own, settings.block);
    RoundedRows rounded = round_rows(wanted, std::move(scales), ordered, own, own_rules, settings);
    if (free_scale && settings.block == 0 && target.cols <= few_columns && own[0].high <= few_levels)
      try_scales(wanted, ordered, own, own_rules, settings, rounded);
    const Matrix restored = restore_columns(rounded.q, ordered.order);
    std::copy(restored.values.begin(), restored.values.end(),
              candidate.weights.values.begin() + static_cast<std::ptrdiff_t>(begin * target.cols));
    std::copy(rounded.scales.begin(), rounded.scales.end(), candidate.scale.begin() + static_cast<std::ptrdiff_t>(begin * per_row));
  });
  return candidate;
}

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

std::vector<float> search_scales(const Matrix& weights, std::span<const double> importance, std::span<const Grid> grids,
                                 std::span<const ScaleRule> rules, std::size_t block, const Context& context) {
  constexpr int steps = 76;
  const std::size_t width = block == 0 ? weights.cols : block, per_row = (weights.cols + width - 1) / width;
  std::vector<float> scales(weights.rows * per_row);
  parallel_for(context, weights.rows, [&](std::size_t r, unsigned) {
    for (std::size_t begin = 0; begin < weights.cols; begin += width) {
      const std::size_t count = std::min(width, weights.cols - begin);
      const auto row = weights.row(r).subspan(begin, count);
      double largest = 1e-9;
      for (const double w : row) largest = std::max(largest, std::fabs(w));
      double best = std::numeric_limits<double>::infinity();
      float chosen = 0;
      for (int step = 0; step < steps; ++step) {
        const float scale = rules[r].nearest(largest / grids[r].high * (0.30 + 0.01 * step));
        const double error = linalg().rounding_error(row, importance.subspan(begin, count), {scale, grids[r].low, grids[r].high});
        if (error < best) {
          best = error;
          chosen = scale;
        }
      }
      scales[r * per_row + begin / width] = chosen;
    }
  });
  return scales;
}

std::vector<float> scales_of(std::span<const Grid> grids, std::size_t block) {
  std::vector<float> scales;
  for (const auto& grid : grids) {
    const std::size_t count = grid.columns.empty() ? 1 : grid.columns.size(), step = grid.columns.empty() ? 1 : block;
    for (std::size_t k = 0; k < count; k += step) scales.push_back(static_cast<float>(grid.at(k)));
  }
  return scales;
}

std::vector<Grid> with_scales(std::span<const Grid> grids, std::span<const float> scale, std::size_t block, std::size_t cols,
                              Matrix& columns) {
  std::vector<Grid> result(grids.begin(), grids.end());
  if (block == 0) {
    for (std::size_t r = 0; r < result.size(); ++r) result[r].scale = static_cast<double>(scale[r]);
    return result;
  }
  const std::size_t per_row = scale.size() / grids.size();
  columns = Matrix(grids.size(), cols);
  for (std::size_t r = 0; r < result.size(); ++r) {
    for (std::size_t k = 0; k < cols; ++k) columns(r, k) = static_cast<double>(scale[r * per_row + k / block]);
    result[r].columns = columns.row(r);
  }
  return result;
}

FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const RowJudge& judge, const std::vector<Grid>& grids,
                      const std::vector<ScaleRule>& rules, const FitSettings& settings, const Context& context) {
  const auto importance = diagonal(fit.h);
  const double mean = std::accumulate(importance.begin(), importance.end(), 0.0) / static_cast<double>(importance.size());
  FittedGroup fitted{round_to_grid(weights, grids), scales_of(grids, settings.block)};
  const std::size_t per_row = fitted.scale.size() / std::max<std::size_t>(weights.rows, 1);
  std::vector<double> best = judge(fitted.weights, context);
  if (!(mean > 0)) return fitted;

  // The target solves and the factorisation do not depend on one another.
  std::vector<Matrix> targets(settings.dampings.size(), Matrix(weights.rows, weights.cols));
  std::vector<char> solved(targets.size());
  Ordered ordered;
  parallel_for(context, targets.size() + 1, [&](std::size_t task, unsigned) {
    if (task == 0) {
      ordered = order_columns(fit.h);
    } else {
      if (!settings.methods.target) return;
      solved[task - 1] = linalg().solve_target(weights, fit.h, fit.hx, settings.dampings[task - 1] * mean, targets[task - 1]);
    }
  });
  if (!ordered.usable) return fitted;
  const bool alone = std::ranges::find(solved, 1) == solved.end();
  if (settings.float_target || alone) targets.push_back(weights), solved.push_back(1);  // infinitely damped
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (solved[i] == 0) continue;
    const Candidate candidate = round_towards(targets[i], ordered, importance, grids, rules, settings, context);
    const auto error = judge(candidate.weights, context);
    for (std::size_t r = 0; r < weights.rows; ++r) {
      if (!(error[r] < best[r])) continue;
      best[r] = error[r];
      std::copy_n(candidate.weights.row(r).begin(), weights.cols, fitted.weights.row(r).begin());
      std::copy_n(candidate.scale.begin() + static_cast<std::ptrdiff_t>(r * per_row), per_row,
                  fitted.scale.begin() + static_cast<std::ptrdiff_t>(r * per_row));
    }
  }
  return fitted;
}

}  // namespace quantize
