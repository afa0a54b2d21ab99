#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

int factors_left(const Model& model) {
  int count = 0;
  for (const auto& node : model.graph().node()) {
    for (const auto& attribute : node.attribute()) count += static_cast<int>(attribute.name() == "alpha" || attribute.name() == "beta");
  }
  return count;
}

TEST(FoldGemmFactors, BothGoIntoTheConstants) {
  const auto result = run_pass_on(
      "g (float[5,3] x) => (float[5,4] y) <float[4,3] w, float[4] c> { y = Gemm <alpha = 0.5, beta = 2.0, transB = 1> (x, w, c) }",
      fold_gemm_factors);
  EXPECT_EQ(result.detail, "1 Gemm");
  EXPECT_EQ(factors_left(result.after), 0);
  EXPECT_EQ(result.after.graph().initializer_size(), 2);
  EXPECT_EQ(node_of(result.after, "y").input(1), "w") << "who alone reads a constant changes that";
}

TEST(FoldGemmFactors, SharedConstantsAreCopied) {
  const auto result = run_pass_on(
      "g (float[5,3] x) => (float[5,3] y, float[5,3] z) <float[3,3] w, float[3] c> {"
      "y = Gemm <alpha = 0.5> (x, w, c)  z = Gemm (x, w, c) }",
      fold_gemm_factors);
  EXPECT_EQ(node_of(result.after, "y").input(1), "w_scaled");
  EXPECT_EQ(node_of(result.after, "z").input(1), "w");
  EXPECT_EQ(node_of(result.after, "y").input(2), "c");
}

// Two products with one weight of 9 kB.
PassResult folded_with_large_weight(const std::string& nodes) {
  return run_pass_on("g (float[5,48] x) => (float[5,48] y, float[5,48] z) <float[48,48] w, float[48] c> {" + nodes + "}",
                     fold_gemm_factors);
}

TEST(FoldGemmFactors, ALargeConstantOfSeveralStaysOne) {
  const auto alike = folded_with_large_weight("y = Gemm <alpha = 0.5> (x, w, c)  z = Gemm <alpha = 0.5> (y, w)");
  EXPECT_EQ(factors_left(alike.after), 0);
  EXPECT_EQ(node_of(alike.after, "y").input(1), "w");
  EXPECT_EQ(node_of(alike.after, "z").input(1), "w");
  EXPECT_EQ(folded_with_large_weight("y = Gemm <alpha = 0.5> (x, w, c)  z = Gemm (x, w, c)").detail, "");
  const auto result = folded_with_large_weight("y = Gemm <alpha = 0.5, beta = 2.0> (x, w, c)  z = Gemm (x, w)");
  EXPECT_EQ(factors_left(result.after), 1) << "the bias takes its factor all the same";
}

TEST(FoldGemmFactors, BetaOfAComputedBiasStays) {
  const auto result =
      run_pass_on("g (float[5,3] x, float[5,4] c) => (float[5,4] y) <float[3,4] w> { y = Gemm <alpha = 2.0, beta = 3.0> (x, w, c) }",
                  fold_gemm_factors);
  EXPECT_EQ(factors_left(result.after), 1);
}

TEST(FoldGemmFactors, FactorsOfOneAndComputedProductsAreLeftAlone) {
  EXPECT_EQ(run_pass_on("g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] c> { y = Gemm (x, w, c) }", fold_gemm_factors).detail,
            "");
  EXPECT_EQ(run_pass_on("g (float[5,3] x, float[3,4] w) => (float[5,4] y) { y = Gemm <alpha = 2.0> (x, w) }", fold_gemm_factors).detail,
            "");
}

}  // namespace
}  // namespace quantize::test
