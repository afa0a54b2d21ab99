#include "optimize/fit_layer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr std::size_t rows_at_a_time = 32;

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

Matrix some_rows(const Matrix& m, std::size_t begin, std::size_t count) {
  Matrix part(count, m.cols);
  std::copy_n(m.values.begin() + static_cast<std::ptrdiff_t>(begin * m.cols), count * m.cols, part.values.begin());
  return part;
}

std::vector<Grid> grids_of(const std::vector<float>& scale, const FitSettings& settings) {
  std::vector<Grid> grids;
  for (std::size_t r = 0; r < scale.size(); ++r) grids.push_back(settings.grid(r, scale[r]));
  return grids;
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

// Scale, GPTQ and descent towards `target`.
struct Candidate {
  Matrix weights;
  std::vector<float> scale;
};

Candidate round_towards(const Matrix& target, const Ordered& ordered, std::span<const double> importance, const std::vector<float>& scale,
                        const std::vector<float>& least_scale, const FitSettings& settings, const Context& context) {
  Candidate candidate{Matrix(target.rows, target.cols),
                      settings.search_scale ? search_scales(target, importance, settings, least_scale) : scale};
  const auto grids = grids_of(candidate.scale, settings);
  const Matrix sorted = permute_columns(target, ordered.order);
  Matrix rounded(target.rows, target.cols);
  const std::size_t pieces = (target.rows + rows_at_a_time - 1) / rows_at_a_time;
  parallel_for(context, pieces, [&](std::size_t piece, unsigned) {
    const std::size_t begin = piece * rows_at_a_time, count = std::min(rows_at_a_time, target.rows - begin);
    const Matrix wanted = some_rows(sorted, begin, count);
    Matrix q(count, target.cols);
    const auto own = std::span(grids).subspan(begin, count);
    linalg().gptq(wanted, ordered.factor, own, q);
    linalg().descend(wanted, ordered.h, own, settings.sweeps, q);
    std::copy(q.values.begin(), q.values.end(), rounded.values.begin() + static_cast<std::ptrdiff_t>(begin * target.cols));
  });
  candidate.weights = restore_columns(rounded, ordered.order);
  return candidate;
}

// Per row E|w x_fp - q x_q|^2 up to the term that does not depend on q.
std::vector<double> judge(const Matrix& w, const Matrix& q, const GroupMoments& moments) {
  Matrix wanted(w.rows, w.cols), product(q.rows, q.cols);
  linalg().multiply(w, moments.hx, wanted);
  linalg().multiply(q, moments.h, product);
  std::vector<double> error(w.rows);
  for (std::size_t r = 0; r < w.rows; ++r) {
    for (std::size_t k = 0; k < w.cols; ++k) error[r] += q(r, k) * (product(r, k) - 2 * wanted(r, k));
  }
  return error;
}

}  // namespace

Matrix round_to_grid(const Matrix& weights, std::span<const Grid> grids) {
  Matrix q(weights.rows, weights.cols);
  for (std::size_t r = 0; r < q.rows; ++r) {
    for (std::size_t c = 0; c < q.cols; ++c) {
      q(r, c) = std::clamp<double>(std::nearbyint(weights(r, c) / grids[r].scale), grids[r].low, grids[r].high) * grids[r].scale;
    }
  }
  return q;
}

std::vector<float> search_scales(const Matrix& weights, std::span<const double> importance, const FitSettings& settings,
                                 const std::vector<float>& least_scale) {
  constexpr int steps = 76;
  std::vector<float> scales(weights.rows);
  for (std::size_t r = 0; r < weights.rows; ++r) {
    const auto row = weights.row(r);
    const Grid grid = settings.grid(r, 1);
    double largest = 1e-9;
    for (const double w : row) largest = std::max(largest, std::fabs(w));
    double best = std::numeric_limits<double>::infinity();
    for (int step = 0; step < steps; ++step) {
      const float scale = std::max(static_cast<float>(largest / grid.high * (0.30 + 0.01 * step)), least_scale[r]);
      const double inverse = 1.0 / scale, low = grid.low, high = grid.high;
      double error = 0;
      for (std::size_t k = 0; k < row.size(); ++k) {
        const double rounded = std::clamp(std::nearbyint(row[k] * inverse), low, high) * scale;
        error += (rounded - row[k]) * (rounded - row[k]) * importance[k];
      }
      if (error < best) {
        best = error;
        scales[r] = scale;
      }
    }
  }
  return scales;
}

FittedGroup fit_group(const Matrix& weights, const GroupMoments& fit, const GroupMoments& check, const std::vector<float>& scale,
                      const std::vector<float>& least_scale, const FitSettings& settings, const Context& context) {
  const auto importance = diagonal(fit.h);
  const double mean = std::accumulate(importance.begin(), importance.end(), 0.0) / static_cast<double>(importance.size());
  FittedGroup fitted{round_to_grid(weights, grids_of(scale, settings)), scale};
  std::vector<double> best = judge(weights, fitted.weights, check);
  if (!(mean > 0)) return fitted;

  // The target solves and the factorisation do not depend on one another.
  std::vector<Matrix> targets(settings.dampings.size(), Matrix(weights.rows, weights.cols));
  std::vector<char> solved(targets.size());
  Ordered ordered;
  parallel_for(context, targets.size() + 1, [&](std::size_t task, unsigned) {
    if (task == 0) {
      ordered = order_columns(fit.h);
    } else {
      solved[task - 1] = linalg().solve_target(weights, fit.h, fit.hx, settings.dampings[task - 1] * mean, targets[task - 1]);
    }
  });
  if (!ordered.usable) return fitted;
  targets.push_back(weights);  // infinitely damped
  solved.push_back(1);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (solved[i] == 0) continue;
    const Candidate candidate = round_towards(targets[i], ordered, importance, scale, least_scale, settings, context);
    const auto error = judge(weights, candidate.weights, check);
    for (std::size_t r = 0; r < weights.rows; ++r) {
      if (!(error[r] < best[r])) continue;
      best[r] = error[r];
      std::copy_n(candidate.weights.row(r).begin(), weights.cols, fitted.weights.row(r).begin());
      fitted.scale[r] = candidate.scale[r];
    }
  }
  return fitted;
}

}  // namespace quantize
