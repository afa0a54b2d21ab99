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
