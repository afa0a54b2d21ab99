#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(FoldScales, FactorPerChannel) {
  const auto result = run_pass_on(
      "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4] b, float[4,1,1] s> { t = Conv (x, w, b)  y = Mul (s, t) }",
      fold_scales);
  EXPECT_EQ(operators(result.after), "Conv");
}

TEST(FoldScales, DividedByOneValue) {
  const auto result = run_pass_on(
      "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float s> { t = Gemm <alpha = 2.0> (x, w)  y = Div (t, s) }", fold_scales);
  EXPECT_EQ(operators(result.after), "Gemm");
}

// Two convolutions of one weight of 9 kB.
PassResult folded_with_large_weight(const std::string& nodes) {
  return run_pass_on(
      "g (float[1,16,5,5] x) => (float y) <float[16,16,3,3] w, float[16,1,1] s, float[16,1,1] t> { r = Relu (x)  "
      "a = Conv (x, w)  b = Conv (r, w) " +
          nodes + "}",
      fold_scales);
}

TEST(FoldScales, LargeTiedWeightIsNotCopied) {
  EXPECT_EQ(folded_with_large_weight("c = Mul (a, s)  d = Mul (b, t)  y = Add (c, d)").detail, "");
  EXPECT_EQ(folded_with_large_weight("c = Mul (a, s)  y = Add (c, b)").detail, "");
  const auto alike = folded_with_large_weight("c = Mul (a, s)  d = Mul (s, b)  y = Add (c, d)");
  EXPECT_EQ(operators(alike.after), "Relu Conv Conv Add");
  EXPECT_EQ(node_of(alike.after, "c").input(1), "w");
  EXPECT_EQ(node_of(alike.after, "d").input(1), "w");
}

TEST(FoldScales, KeepsDivisionOfAConstant) {
  EXPECT_EQ(run_pass_on("g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4,1,1] s> { t = Conv (x, w)  y = Div (s, t) }",
                        fold_scales)
                .detail,
            "");
}

TEST(FoldScales, KeepsFactorPerColumn) {
  EXPECT_EQ(run_pass_on("g (float[2,3,6,6] x) => (float[2,4,4,4] y) <float[4,3,3,3] w, float[4] s> { t = Conv (x, w)  y = Mul (t, s) }",
                        fold_scales)
                .detail,
            "");
}

TEST(FoldScales, KeepsDivisionByZero) {
  Model model =
      text_model("g (float[1,3,5,5] x) => (float[1,4,3,3] y) <float[4,3,3,3] w, float zero = {0}> { t = Conv (x, w)  y = Div (t, zero) }");
  EXPECT_EQ(fold_scales(model), "");
}

}  // namespace
}  // namespace quantize::test
