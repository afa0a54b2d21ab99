// Dense linear algebra for fitting weights, in double precision, by Eigen compiled once per instruction set (cmake/LinalgVariants.cmake);
// the best variant the processor has is chosen when the program runs. Every function works on one thread; callers split work into pieces of
// a fixed size, so that the result does not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quantize {

// Row-major.
struct Matrix {
  std::size_t rows = 0, cols = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c) {}
  double& operator()(std::size_t r, std::size_t c) { return values[r * cols + c]; }
  double operator()(std::size_t r, std::size_t c) const { return values[r * cols + c]; }
  [[nodiscard]] std::span<double> row(std::size_t r) { return std::span(values).subspan(r * cols, cols); }
  [[nodiscard]] std::span<const double> row(std::size_t r) const { return std::span(values).subspan(r * cols, cols); }
};

// Rows that are worked on together where work is split over threads. Fixed, so that results do not depend on how many there are.
constexpr std::size_t rows_at_a_time = 64;
Matrix some_rows(const Matrix& m, std::size_t begin, std::size_t count);

// Integer grid of one row: multiples of scale from low to high. Where `columns` is not empty, it holds a scale for each column instead.
struct Grid {
  double scale;
  std::int32_t low, high;
  std::span<const double> columns = {};

  [[nodiscard]] double at(std::size_t column) const { return columns.empty() ? scale : columns[column]; }
};

struct GramTile {
  const float *a, *b;  // `samples` rows of `stride` values each
  std::size_t samples, stride;
  std::size_t row, rows, col, cols;  // columns row.. of a against columns col.. of b
};

struct Linalg {
  std::string_view name;
  // out[row.., col..] += A^T B over the tile; products in float, the sum over calls in double.
  void (*add_gram)(const GramTile& tile, Matrix& out);
  // W* = (W Hx + d W)(H + d I)^-1. Returns false when H + d I is not positive definite. Source: normal equations of E|W x_fp - V x_q|^2 + d
  // |V - W|^2.
  bool (*solve_target)(const Matrix& w, const Matrix& h, const Matrix& hx, double damping, Matrix& out);
  // Upper triangular U with (H + d I)^-1 = U^T U. False as above.
  bool (*inverse_factor)(const Matrix& h, double damping, Matrix& u);
  // An order of columns in which GPTQ of H + d I errs less than by the diagonal, chosen greedily from the end: what rounding a column costs
  // once those behind it have made up for it shall differ little from column to column, since the product of these costs is the same in any
  // order (the ordering of V-BLAST, Wolniansky et al. 1998; by the diagonal alone, columns that resemble each other all come early).
  void (*gptq_order)(const Matrix& h, double damping, std::span<std::size_t> order);
  // GPTQ (Frantar et al. 2022, arXiv 2210.17323) on rows begin..end of w, columns in the order of u; q receives grid values.
  void (*gptq)(Matrix w_rows, const Matrix& u, std::span<const Grid> grids, Matrix& q_rows);
  // The same, keeping for each row the `width` best of what it may have chosen so far (a search of the nearest lattice point by K-best;
  // GPTQ is that of width 1: Chen et al. 2025, arXiv 2507.18553).
  void (*gptq_beam)(const Matrix& w_rows, const Matrix& u, std::span<const Grid> grids, int width, Matrix& q_rows);
  // Sweeps of coordinate descent on tr((Q - W) H (Q - W)^T) over the grid; a step is taken only to the coordinate's exact minimum, so the
  // error never rises.
  void (*descend)(const Matrix& w_rows, const Matrix& h, std::span<const Grid> grids, int sweeps, Matrix& q_rows);
  // Row by row: (q - w) H (q - w)^T.
  void (*quadratic_error)(const Matrix& w_rows, const Matrix& q_rows, const Matrix& h, std::span<double> error);
  // out = A B
  void (*multiply)(const Matrix& a, const Matrix& b, Matrix& out);
  // Weighted squared error of rounding one row to `grid`: sum_k importance_k (w_k - Q(w_k))^2.
  double (*rounding_error)(std::span<const double> row, std::span<const double> importance, const Grid& grid);
  // out = W X^T for X of `count` rows in float: what a layer makes of columns, one per row of X.
  void (*respond)(const Matrix& w_rows, std::span<const float> x, std::size_t count, Matrix& out);
  // Learned rounding (Nagel et al. 2020, AdaRound, arXiv 2004.10568) of rows from q_rows towards w_rows on tr((Q - W) H (Q - W)^T): every
  // weight is soft between two neighbouring grid values, the gradient is analytic, a regulariser drives the weights to either; q_rows
  // receives the hard values.
  void (*learn_rounding)(const Matrix& w_rows, const Matrix& h, std::span<const Grid> grids, int iterations, Matrix& q_rows);
};

const Linalg& linalg();
// All variants this processor can run, for tests.
std::vector<const Linalg*> linalg_variants();

}  // namespace quantize
