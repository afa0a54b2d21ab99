// The order of columns and the alternatives that GPTQ keeps, by hand and against trying all.
#include <gtest/gtest.h>

#include "optimize/random_matrices.h"

namespace quantize {
namespace {

// Columns 0 and 1 nearly alike: the smallest diagonal comes last, and what then is left of its twin is the smallest.
TEST(GptqOrder, ByHand) {
  Matrix h(3, 3);
  h.values = {1.0, 0.99, 0, 0.99, 1.1, 0, 0, 0, 1.05};
  for (const auto* math : linalg_variants()) {
    std::vector<std::size_t> order(3);
    math->gptq_order(h, 0, order);
    EXPECT_EQ(order, (std::vector<std::size_t>{2, 1, 0})) << math->name;
  }
}

// Four columns of four values each: wide enough a beam finds the best of all that round each column down or up.
TEST(GptqBeam, FindsWhatTryingAllFinds) {
  const Matrix h = random_gram(4, 11), w = random_matrix(20, 4, 12);
  const std::vector<Grid> grids(20, {0.8, -2, 1});
  for (const auto* math : linalg_variants()) {
    Matrix u(4, 4), q(20, 4);
    ASSERT_TRUE(math->inverse_factor(h, 0, u));
    math->gptq_beam(w, u, grids, 256, q);
    for (std::size_t r = 0; r < 20; ++r) {
      double least = 1e300;
      Matrix tried(20, 4);
      for (int code = 0; code < 256; ++code) {
        for (std::size_t k = 0; k < 4; ++k) tried(r, k) = 0.8 * ((code >> (2 * k)) % 4 - 2);
        least = std::min(least, error_of(w, tried, h, r));
      }
      // Two values of each column are tried where all four are allowed: near the best, and nearly always it.
      EXPECT_LE(error_of(w, q, h, r), least * 1.3 + 1e-9) << r;
      EXPECT_GE(error_of(w, q, h, r), least * (1 - 1e-9));
    }
  }
}

}  // namespace
}  // namespace quantize
