// Compiled several times, see linalg.h. LINALG_VARIANT names the instruction set; the build renames the namespace Eigen for each.
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>

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

double on_grid(double value, const Grid& grid) {
  const double rounded = std::nearbyint(value / grid.scale);
  const double low = grid.low, high = grid.high;
  return (rounded < low ? low : rounded > high ? high : rounded) * grid.scale;
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

// With J the reversal of order, J A J = L L^T gives A = R R^T for the upper triangular R = J L J; then A^-1 = R^-T R^-1, so U = R^-1.
bool inverse_factor(const Matrix& h, double damping, Matrix& u) {
  Dense damped = map(h).reverse();
  damped.diagonal().array() += damping;
  const Eigen::LLT<Dense> factor(damped);
  if (factor.info() != Eigen::Success) return false;
  const Index n = damped.rows();
  Dense inverse = Dense::Identity(n, n);
  factor.matrixL().solveInPlace(inverse);
  map(u) = inverse.reverse();
  return map(u).allFinite();
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
        q(r, k) = on_grid(w(r, k), grids[static_cast<std::size_t>(r)]);
        error(r, k - begin) = (w(r, k) - q(r, k)) / u(k, k);
      }
      const Index rest = begin + width - k;
      w.block(0, k, rows, rest).noalias() -= error.col(k - begin) * u.block(k, k, 1, rest);
    }
    const Index left = cols - begin - width;  // the error of a whole block is spread over the columns behind it at once
    if (left > 0) w.rightCols(left).noalias() -= error.leftCols(width) * u.block(begin, begin + width, width, left);
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
          const double better = on_grid(q(r, k) - residual(r, k) / h(k, k), grids[static_cast<std::size_t>(r)]);
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

void multiply(const Matrix& a, const Matrix& b, Matrix& out) { map(out).noalias() = map(a) * map(b); }

}  // namespace

extern const Linalg table;
const Linalg table = {QUANTIZE_TEXT(LINALG_VARIANT), add_gram, solve_target, inverse_factor, gptq, descend, quadratic_error, multiply};

}  // namespace LINALG_VARIANT
}  // namespace quantize
