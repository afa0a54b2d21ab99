// Matrices of random values, and plain loops over them.
#pragma once

#include <random>

#include "optimize/linalg.h"

namespace quantize {

inline Matrix random_matrix(std::size_t rows, std::size_t cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0, 1);
  Matrix matrix(rows, cols);
  for (auto& value : matrix.values) value = normal(generator);
  return matrix;
}

inline Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result(a.rows, b.cols);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < a.cols; ++k) {
      for (std::size_t j = 0; j < b.cols; ++j) result(i, j) += a(i, k) * b(k, j);
    }
  }
  return result;
}

inline Matrix transposed(const Matrix& a) {
  Matrix result(a.cols, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.cols; ++j) result(j, i) = a(i, j);
  }
  return result;
}

// X^T X / n of correlated columns.
inline Matrix random_gram(std::size_t size, unsigned seed) {
  Matrix x = random_matrix(2 * size + 3, size, seed);
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (std::size_t k = 1; k < size; ++k) x(i, k) += 0.7 * x(i, k - 1);
  }
  Matrix gram = product(transposed(x), x);
  for (auto& value : gram.values) value /= static_cast<double>(x.rows);
  return gram;
}

inline Matrix damped(Matrix h, double damping) {
  for (std::size_t i = 0; i < h.rows; ++i) h(i, i) += damping;
  return h;
}

inline double error_of(const Matrix& w, const Matrix& q, const Matrix& h, std::size_t row) {
  double error = 0;
  for (std::size_t i = 0; i < h.rows; ++i) {
    for (std::size_t j = 0; j < h.cols; ++j) error += (q(row, i) - w(row, i)) * h(i, j) * (q(row, j) - w(row, j));
  }
  return error;
}

}  // namespace quantize
