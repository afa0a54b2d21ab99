// Compiled several times, see linalg.h. LINALG_VARIANT names the instruction set; the build renames the namespace Eigen for each.
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <numeric>
#include <tuple>

#include "optimize/linalg.h"

#define QUANTIZE_TEXT_(a) #a
#define QUANTIZE_TEXT(a) QUANTIZE_TEXT_(a)

namespace quantize {
namespace LINALG_VARIANT {
namespace {

using Index = Eigen::Index;
using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Strided = Eigen::Map<const Floats, 0, Eigen::OuterStride<>>;
constexpr Index block = 64;

Eigen::Map<Dense> map(Matrix& m) { return {m.values.data(), static_cast<Index>(m.rows), static_cast<Index>(m.cols)}; }
Eigen::Map<const Dense> map(const Matrix& m) { return {m.values.data(), static_cast<Index>(m.rows), static_cast<Index>(m.cols)}; }

double on_grid(double value, const Grid& grid, Index column) {
  const double scale = grid.at(static_cast<std::size_t>(column)), rounded = std::nearbyint(value / scale);
  const double low = grid.low, high = grid.high;
  return (rounded < low ? low : rounded > high ? high : rounded) * scale;
}

void add_gram(const GramTile& tile, Matrix& out) {
  const auto samples = static_cast<Index>(tile.samples), rows = static_cast<Index>(tile.rows), cols = static_cast<Index>(tile.cols);
  const Eigen::OuterStride<> stride(static_cast<Index>(tile.stride));
  const Strided a(tile.a + tile.row, samples, rows, stride), b(tile.b + tile.col, samples, cols, stride);
  const Floats product = a.transpose() * b;
  map(out).block(static_cast<Index>(tile.row), static_cast<Index>(tile.col), rows, cols) += product.cast<double>();
}

bool solve_target(const Matrix& w, const Matrix& h, const Matrix& hx, double damping, Matrix& out) {
  Dense damped = map(h);
  damped.diagonal().array() += damping;
  const Eigen::LLT<Dense> factor(damped);
  if (factor.info() != Eigen::Success) return false;
  const Dense right = map(w) * map(hx) + damping * map(w);
  map(out) = factor.solve(right.transpose()).transpose();
  return map(out).allFinite();
}

// The lower triangle's inverse in its place, by halves: [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1]. A third of the work of solving for the
// identity, nearly all of it in products.
void invert_lower(Eigen::Ref<Dense, 0, Eigen::OuterStride<>> l) {
  const Index n = l.rows();
  if (n <= block) {
    Dense inverse = Dense::Identity(n, n);
    l.triangularView<Eigen::Lower>().solveInPlace(inverse);
    l.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  const Index half = n / 2;
  auto a = l.topLeftCorner(half, half), b = l.bottomLeftCorner(n - half, half), c = l.bottomRightCorner(n - half, n - half);
  invert_lower(a);
  invert_lower(c);
  const Dense left = c.triangularView<Eigen::Lower>() * b;
  b.noalias() = -left * a.triangularView<Eigen::Lower>();
}

// With J the reversal of order, J A J = L L^T gives A = R R^T for the upper triangular R = J L J; then A^-1 = R^-T R^-1, so U = R^-1.
bool inverse_factor(const Matrix& h, double damping, Matrix& u) {
  Dense damped = map(h).reverse();
  damped.diagonal().array() += damping;
  const Eigen::LLT<Eigen::Ref<Dense>> factor(damped);  // in place
  if (factor.info() != Eigen::Success) return false;
  invert_lower(damped);
  map(u) = Dense(damped.triangularView<Eigen::Lower>()).reverse();
  return map(u).allFinite();
}

// From the last column on, each time the one with the least diagonal left; eliminated by a step of Gauss.
void gptq_order(const Matrix& h, double damping, std::span<std::size_t> order) {
  Dense left = map(h);
  left.diagonal().array() += damping;
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (Index last = left.rows() - 1; last > 0; --last) {
    Index least = 0;
    for (Index i = 1; i <= last; ++i) least = left(i, i) < left(least, least) ? i : least;
    left.row(least).swap(left.row(last));
    left.col(least).swap(left.col(last));
    std::swap(order[static_cast<std::size_t>(least)], order[static_cast<std::size_t>(last)]);
    if (!(left(last, last) > 0)) continue;
    const Eigen::VectorXd column = left.col(last).head(last);
    left.topLeftCorner(last, last).noalias() -= column * (column.transpose() / left(last, last));
  }
}

void gptq(Matrix w_rows, const Matrix& u_in, std::span<const Grid> grids, Matrix& q_rows) {
  auto w = map(w_rows);
  auto q = map(q_rows);
  const auto u = map(u_in);
  const Index rows = w.rows(), cols = w.cols();
  Dense error(rows, block);
  for (Index begin = 0; begin < cols; begin += block) {
    const Index width = std::min(block, cols - begin);
    for (Index k = begin; k < begin + width; ++k) {
      for (Index r = 0; r < rows; ++r) {
        q(r, k) = on_grid(w(r, k), grids[static_cast<std::size_t>(r)], k);
        error(r, k - begin) = (w(r, k) - q(r, k)) / u(k, k);
      }
      const Index rest = begin + width - k;
      w.block(0, k, rows, rest).noalias() -= error.col(k - begin) * u.block(k, k, 1, rest);
    }
    const Index left = cols - begin - width;  // the error of a whole block is spread over the columns behind it at once
    if (left > 0) w.rightCols(left).noalias() -= error.leftCols(width) * u.block(begin, begin + width, width, left);
  }
}

// A row's alternatives, best first: what they chose so far, what is left to round once their errors are spread, and the error made.
struct Alternatives {
  Dense chosen, rest;
  std::vector<double> error;

  Alternatives(Index count, Index cols) : chosen(count, cols), rest(count, cols), error(static_cast<std::size_t>(count)) {}
};

struct Choice {
  double total, error, value;
  Index parent;

  bool operator<(const Choice& other) const { return std::tie(total, parent, value) < std::tie(other.total, other.parent, other.value); }
};

// For column k, the nearest grid value and the one on the other side, of each of the `count` alternatives.
std::vector<Choice> choices(const Alternatives& from, std::size_t count, Index k, double pivot, const Grid& grid) {
  std::vector<Choice> result;
  for (std::size_t i = 0; i < count; ++i) {
    const auto parent = static_cast<Index>(i);
    const double scale = grid.at(static_cast<std::size_t>(k)), wanted = from.rest(parent, k), nearest = on_grid(wanted, grid, k);
    const double beyond = on_grid(nearest + (wanted > nearest ? scale : -scale), grid, k);
    for (const double value : {nearest, beyond}) {
      if (value == nearest && !result.empty() && result.back().parent == parent) continue;  // the range ends there
      const double error = (wanted - value) / pivot;
      result.push_back({from.error[i] + error * error, error, value, parent});
    }
  }
  return result;
}

void gptq_beam(const Matrix& w_rows, const Matrix& u_in, std::span<const Grid> grids, int width, Matrix& q_rows) {
  const auto w = map(w_rows), u = map(u_in);
  auto q = map(q_rows);
  const Index cols = w.cols();
  Alternatives now(width, cols), next(width, cols);
  for (Index r = 0; r < w.rows(); ++r) {
    std::size_t count = 1;
    now.rest.row(0) = w.row(r);
    now.error[0] = 0;
    for (Index k = 0; k < cols; ++k) {
      auto best = choices(now, count, k, u(k, k), grids[static_cast<std::size_t>(r)]);
      count = std::min(best.size(), static_cast<std::size_t>(width));
      std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(count), best.end());
      const Index left = cols - k - 1;
      for (std::size_t i = 0; i < count; ++i) {
        const auto place = static_cast<Index>(i);
        next.rest.row(place).tail(left) = now.rest.row(best[i].parent).tail(left) - best[i].error * u.row(k).tail(left);
        next.chosen.row(place).head(k) = now.chosen.row(best[i].parent).head(k);
        next.chosen(place, k) = best[i].value;
        next.error[i] = best[i].total;
      }
      std::swap(now, next);
    }
    q.row(r) = now.chosen.row(0);
  }
}

void descend(const Matrix& w_rows, const Matrix& h_in, std::span<const Grid> grids, int sweeps, Matrix& q_rows) {
  const auto h = map(h_in);
  auto q = map(q_rows);
  const Index rows = q.rows(), cols = q.cols();
  Dense residual = (q - map(w_rows)) * h;
  Dense step(rows, block);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (Index begin = 0; begin < cols; begin += block) {
      const Index width = std::min(block, cols - begin);
      for (Index k = begin; k < begin + width; ++k) {
        step.col(k - begin).setZero();
        if (h(k, k) <= 0) continue;
        for (Index r = 0; r < rows; ++r) {
          const double better = on_grid(q(r, k) - residual(r, k) / h(k, k), grids[static_cast<std::size_t>(r)], k);
          step(r, k - begin) = better - q(r, k);
          q(r, k) = better;
        }
        residual.block(0, begin, rows, width).noalias() += step.col(k - begin) * h.block(k, begin, 1, width);
      }
      if (begin > 0) residual.leftCols(begin).noalias() += step.leftCols(width) * h.block(begin, 0, width, begin);
      const Index left = cols - begin - width;
      if (left > 0) residual.rightCols(left).noalias() += step.leftCols(width) * h.block(begin, begin + width, width, left);
    }
  }
}

void quadratic_error(const Matrix& w_rows, const Matrix& q_rows, const Matrix& h, std::span<double> error) {
  const Dense difference = map(q_rows) - map(w_rows);
  const Dense product = difference * map(h);
  for (Index r = 0; r < difference.rows(); ++r) error[static_cast<std::size_t>(r)] = product.row(r).dot(difference.row(r));
}

double rounding_error(std::span<const double> row, std::span<const double> importance, const Grid& grid) {
  const Eigen::Map<const Eigen::ArrayXd> w(row.data(), static_cast<Index>(row.size())), weight(importance.data(), w.size());
  const double low = grid.low, high = grid.high;
  return ((w - (w * (1 / grid.scale)).rint().max(low).min(high) * grid.scale).square() * weight).sum();
}

void respond(const Matrix& w_rows, std::span<const float> x, std::size_t count, Matrix& out) {
  const Floats w = map(w_rows).cast<float>();
  const Eigen::Map<const Floats> columns(x.data(), static_cast<Index>(count), w.cols());
  const Floats product = w * columns.transpose();
  map(out) = product.cast<double>();
}

// Soft value h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1) between the two grid values around the start, as in the paper; the penalty
// 1 - |2 h - 1|^beta is annealed from beta 20 to 2. Adam on v.
void learn_rounding(const Matrix& w_rows, const Matrix& h_in, std::span<const Grid> grids, int iterations, Matrix& q_rows) {
  using Array = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto w = map(w_rows), h = map(h_in);
  auto q = map(q_rows);
  const Index rows = q.rows(), cols = q.cols();
  Array low(rows, cols), step(rows, cols), v(rows, cols);
  for (Index r = 0; r < rows; ++r) {
    const Grid& grid = grids[static_cast<std::size_t>(r)];
    for (Index k = 0; k < cols; ++k) {
      const double scale = grid.at(static_cast<std::size_t>(k));
      // The second value is the one on the target's side, so that the start is one end and the target pulls towards the other.
      const double start = std::nearbyint(q(r, k) / scale), other = start + (w(r, k) >= q(r, k) ? 1 : -1);
      const double below = std::min(start, other), limited = std::min<double>(std::max<double>(below, grid.low), grid.high - 1);
      low(r, k) = limited * scale;
      step(r, k) = scale;
      const double inside = std::min(0.9, std::max(0.1, (w(r, k) - low(r, k)) / scale)), hard = start - limited;
      const double soft = (0.5 * inside + 0.5 * hard + 0.1) / 1.2;
      v(r, k) = -std::log(1 / soft - 1);
    }
  }
  const Eigen::ArrayXd power = h.diagonal().array();
  const double mean = std::max(power.mean(), 1e-300);
  Array first = Array::Zero(rows, cols), second = Array::Zero(rows, cols);
  for (int i = 1; i <= iterations; ++i) {
    const double progress = static_cast<double>(i) / iterations, beta = 2 + 18 * std::max(0.0, 1 - progress / 0.9);
    const Array sigmoid = 1 / (1 + (-v).exp());
    const Array raw = 1.2 * sigmoid - 0.1, soft = raw.max(0.0).min(1.0);
    const Dense difference = (low + soft * step).matrix() - w;
    Array gradient = 2 * (difference * h).array() * step / (mean * step.square());
    if (progress > 0.2) {
      const Array signed_soft = 2 * soft - 1;
      gradient -= 0.2 * beta * signed_soft.abs().pow(beta - 1) * signed_soft.sign();
    }
    gradient *= 1.2 * sigmoid * (1 - sigmoid) * (raw > 0 && raw < 1).cast<double>();
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient.square();
    const double c1 = 1 - std::pow(0.9, i), c2 = 1 - std::pow(0.999, i);
    v -= 0.05 * (first / c1) / ((second / c2).sqrt() + 1e-12);
  }
  const Array soft = (1.2 / (1 + (-v).exp()) - 0.1).max(0.0).min(1.0);
  q = (low + (soft > 0.5).cast<double>() * step).matrix();
}

void multiply(const Matrix& a, const Matrix& b, Matrix& out) { map(out).noalias() = map(a) * map(b); }

}  // namespace

extern const Linalg table;
const Linalg table = {QUANTIZE_TEXT(LINALG_VARIANT),
                      add_gram,
                      solve_target,
                      inverse_factor,
                      gptq_order,
                      gptq,
                      gptq_beam,
                      descend,
                      quadratic_error,
                      multiply,
                      rounding_error,
                      respond,
                      learn_rounding};

}  // namespace LINALG_VARIANT
}  // namespace quantize
