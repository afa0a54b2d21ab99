#include "optimize/linalg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "optimize/random_matrices.h"

namespace quantize {
namespace {

double largest(const Matrix& a) {
  double value = 1e-300;
  for (const double v : a.values) value = std::max(value, std::fabs(v));
  return value;
}

void expect_near(const Matrix& a, const Matrix& b, double tolerance = 1e-9) {
  ASSERT_EQ(a.values.size(), b.values.size());
  const double scale = largest(b);
  for (std::size_t i = 0; i < a.values.size(); ++i) ASSERT_NEAR(a.values[i], b.values[i], tolerance * scale) << "element " << i;
}

std::vector<Grid> grids_for(const Matrix& w) {
  std::vector<Grid> grids;
  for (std::size_t r = 0; r < w.rows; ++r) grids.push_back({0.3 + 0.01 * static_cast<double>(r), -8, 7});
  return grids;
}

Matrix nearest(const Matrix& w, const std::vector<Grid>& grids) {
  Matrix q(w.rows, w.cols);
  for (std::size_t r = 0; r < w.rows; ++r) {
    for (std::size_t k = 0; k < w.cols; ++k) q(r, k) = std::clamp(std::nearbyint(w(r, k) / grids[r].scale), -8.0, 7.0) * grids[r].scale;
  }
  return q;
}

// Sizes on both sides of the kernels' block of 64 columns.
class Variant : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
 protected:
  const Linalg& math_ = *linalg_variants().at(std::get<0>(GetParam()));
  const std::size_t size_ = std::get<1>(GetParam());
  const Matrix h_ = random_gram(size_, 1), w_ = random_matrix(7, size_, 2);
};

TEST_P(Variant, MultiplyIsAPlainLoop) {
  Matrix out(7, size_);
  math_.multiply(w_, h_, out);
  expect_near(out, product(w_, h_));
}

TEST_P(Variant, QuadraticErrorIsAPlainLoop) {
  const Matrix q = random_matrix(7, size_, 3);
  std::vector<double> error(7);
  math_.quadratic_error(w_, q, h_, error);
  for (std::size_t r = 0; r < 7; ++r) EXPECT_NEAR(error[r], error_of(w_, q, h_, r), 1e-9 * error[r]);
}

TEST_P(Variant, GramTilesAddUp) {
  const std::size_t samples = 50;
  std::vector<float> a(samples * size_), b(samples * size_);
  const Matrix values_a = random_matrix(samples, size_, 4), values_b = random_matrix(samples, size_, 5);
  for (std::size_t i = 0; i < a.size(); ++i) {  // small multiples of 1/8: products and sums are exact in float, too
    a[i] = static_cast<float>(std::nearbyint(values_a.values[i] * 8) / 8);
    b[i] = static_cast<float>(std::nearbyint(values_b.values[i] * 8) / 8);
  }
  Matrix out(size_, size_), expected(size_, size_);
  const std::size_t half = size_ / 2;
  for (int call = 0; call < 2; ++call) {
    for (const auto& [row, rows] : {std::pair{std::size_t{0}, half}, std::pair{half, size_ - half}}) {
      if (rows > 0) math_.add_gram({a.data(), b.data(), samples, size_, row, rows, 0, size_}, out);
    }
  }
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j < size_; ++j) expected(i, j) += 2.0 * a[s * size_ + i] * b[s * size_ + j];
    }
  }
  expect_near(out, expected, 1e-12);
}

TEST_P(Variant, SolveTargetSolvesItsNormalEquations) {
  const Matrix hx = random_matrix(size_, size_, 6);
  Matrix out(7, size_);
  ASSERT_TRUE(math_.solve_target(w_, h_, hx, 0.1, out));
  Matrix right = product(w_, hx);
  for (std::size_t i = 0; i < right.values.size(); ++i) right.values[i] += 0.1 * w_.values[i];
  expect_near(product(out, damped(h_, 0.1)), right);
}

TEST_P(Variant, InverseFactorIsOne) {
  Matrix u(size_, size_);
  ASSERT_TRUE(math_.inverse_factor(h_, 0.05, u));
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t j = 0; j < i; ++j) ASSERT_EQ(u(i, j), 0.0);
  }
  Matrix identity(size_, size_);
  for (std::size_t i = 0; i < size_; ++i) identity(i, i) = 1;
  expect_near(product(product(transposed(u), u), damped(h_, 0.05)), identity);
}

TEST_P(Variant, WhatIsNotPositiveDefiniteIsSaid) {
  Matrix negative = h_;
  negative(size_ - 1, size_ - 1) = -1;
  Matrix out(7, size_), u(size_, size_);
  EXPECT_FALSE(math_.solve_target(w_, negative, h_, 0, out));
  EXPECT_FALSE(math_.inverse_factor(negative, 0, u));
}

TEST_P(Variant, GptqAndDescentNeverRaiseTheError) {
  const auto grids = grids_for(w_);
  Matrix u(size_, size_), gptq(7, size_);
  ASSERT_TRUE(math_.inverse_factor(h_, 0.01, u));
  math_.gptq(w_, u, grids, gptq);
  const Matrix plain = nearest(w_, grids);
  double sum_plain = 0, sum_gptq = 0;
  for (const Matrix& start : {plain, gptq}) {
    Matrix before = start;
    for (int sweep = 0; sweep < 4; ++sweep) {
      Matrix after = before;
      math_.descend(w_, h_, grids, 1, after);
      for (std::size_t r = 0; r < 7; ++r) EXPECT_LE(error_of(w_, after, h_, r), error_of(w_, before, h_, r) * (1 + 1e-12));
      for (std::size_t r = 0; r < 7; ++r) {
        for (std::size_t k = 0; k < size_; ++k) {
          const double units = after(r, k) / grids[r].scale;
          ASSERT_NEAR(units, std::nearbyint(units), 1e-9);
          ASSERT_LE(std::fabs(units + 0.5), 7.5 + 1e-9);
        }
      }
      before = after;
    }
  }
  for (std::size_t r = 0; r < 7; ++r) {
    sum_plain += error_of(w_, plain, h_, r);
    sum_gptq += error_of(w_, gptq, h_, r);
  }
  if (size_ > 1) {
    EXPECT_LT(sum_gptq, sum_plain);
  }
}

double total(const Matrix& w, const Matrix& q, const Matrix& h) {
  double sum = 0;
  for (std::size_t r = 0; r < w.rows; ++r) sum += error_of(w, q, h, r);
  return sum;
}

TEST_P(Variant, ABeamOfOneIsGptqAndAWiderOneErrsLess) {
  const auto grids = grids_for(w_);
  Matrix u(size_, size_), gptq(7, size_), one(7, size_), eight(7, size_);
  ASSERT_TRUE(math_.inverse_factor(h_, 0, u));
  math_.gptq(w_, u, grids, gptq);
  math_.gptq_beam(w_, u, grids, 1, one);
  math_.gptq_beam(w_, u, grids, 8, eight);
  expect_near(one, gptq);
  // Of few columns what ends a range may outweigh what the alternatives gain.
  EXPECT_LE(total(w_, eight, h_), total(w_, one, h_) * (size_ > 5 ? 0.95 : 1.01));
}

TEST_P(Variant, TheOrderOfGptqIsAPermutationThatCostsLess) {
  std::vector<std::size_t> order(size_), sorted;
  math_.gptq_order(h_, 0.01, order);
  sorted = order;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < size_; ++i) EXPECT_EQ(sorted[i], i);
  // What rounding all columns costs: the sum of 1 / U(k, k)^2.
  const auto cost = [&](const std::vector<std::size_t>& columns) {
    Matrix h(size_, size_), u(size_, size_);
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j < size_; ++j) h(i, j) = h_(columns[i], columns[j]);
    }
    EXPECT_TRUE(math_.inverse_factor(h, 0.01, u));
    double sum = 0;
    for (std::size_t k = 0; k < size_; ++k) sum += 1 / (u(k, k) * u(k, k));
    return sum;
  };
  std::ranges::stable_sort(sorted, std::ranges::greater(), [&](std::size_t i) { return h_(i, i); });
  EXPECT_LE(cost(order), cost(sorted) * (1 + 1e-9));
}

TEST_P(Variant, RoundingErrorIsAPlainLoop) {
  std::vector<double> importance;
  for (std::size_t k = 0; k < size_; ++k) importance.push_back(h_(k, k));
  const Grid grid{0.3, -3, 2};
  for (std::size_t r = 0; r < 7; ++r) {
    double expected = 0;
    for (std::size_t k = 0; k < size_; ++k) {
      const double off = w_(r, k) - std::clamp(std::nearbyint(w_(r, k) / grid.scale), -3.0, 2.0) * grid.scale;
      expected += off * off * importance[k];
    }
    EXPECT_NEAR(math_.rounding_error(w_.row(r), importance, grid), expected, 1e-12 * expected);
  }
}

TEST_P(Variant, RespondIsAProductInFloat) {
  const Matrix x = random_matrix(11, size_, 8);
  const std::vector<float> columns(x.values.begin(), x.values.end());
  Matrix out(7, 11);
  math_.respond(w_, columns, 11, out);
  expect_near(out, product(w_, transposed(x)), 1e-5);
}

TEST_P(Variant, LearnedRoundingStaysOnTheGridAndImprovesOnNearest) {
  const auto grids = grids_for(w_);
  const Matrix start = nearest(w_, grids);
  Matrix learned = start;
  math_.learn_rounding(w_, h_, grids, 300, learned);
  double before = 0, after = 0;
  for (std::size_t r = 0; r < 7; ++r) {
    before += error_of(w_, start, h_, r);
    after += error_of(w_, learned, h_, r);
    for (std::size_t k = 0; k < size_; ++k) {
      const double units = learned(r, k) / grids[r].scale, moved = (learned(r, k) - start(r, k)) / grids[r].scale;
      ASSERT_NEAR(units, std::nearbyint(units), 1e-9);
      ASSERT_LE(std::fabs(units + 0.5), 7.5 + 1e-9);
      ASSERT_LE(std::fabs(moved), 1 + 1e-9);
    }
  }
  if (size_ > 1) {
    EXPECT_LT(after, before);
  } else {
    EXPECT_NEAR(after, before, 1e-9 * before);
  }
}

TEST_P(Variant, SweepsInOneCallAreSweepsOneByOne) {
  const auto grids = grids_for(w_);
  Matrix once = nearest(w_, grids), twice = once;
  math_.descend(w_, h_, grids, 2, once);
  for (int i = 0; i < 2; ++i) math_.descend(w_, h_, grids, 1, twice);
  expect_near(once, twice);
}

INSTANTIATE_TEST_SUITE_P(
    All, Variant, testing::Combine(testing::Range(std::size_t{0}, linalg_variants().size()), testing::Values(1U, 5U, 64U, 100U, 131U)),
    [](const auto& row) {
      return std::string(linalg_variants()[std::get<0>(row.param)]->name) + "_" + std::to_string(std::get<1>(row.param));
    });

TEST(Variants, TheBestIsTheLastAndAllHaveNames) {
  const auto variants = linalg_variants();
  ASSERT_FALSE(variants.empty());
  EXPECT_EQ(&linalg(), variants.back());
  EXPECT_EQ(variants[0]->name, "baseline");
}

}  // namespace
}  // namespace quantize
