#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

class PlainGemms : public testing::TestWithParam<GraphCase> {};

TEST_P(PlainGemms, SameFunctionInThisForm) {
  const auto result = run_pass_on(GetParam().graph, plain_gemms);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
}

INSTANTIATE_TEST_SUITE_P(
    Rewritten, PlainGemms,
    testing::Values(
        GraphCase{"TransposedInput", "g (float[3,5] x) => (float[5,4] y) <float[3,4] w> { y = Gemm <transA = 1> (x, w) }",
                  "Transpose Gemm"},
        GraphCase{"Factors",
                  "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] b> { y = Gemm <alpha = 0.5, beta = 3.0> (x, w, b) }", "Gemm"},
        GraphCase{"SharedWeight",
                  "g (float[5,3] x) => (float[5,3] y) <float[3,3] w, float[3] b> { t = Gemm <alpha = 2.0> (x, w, b)  y = Gemm <beta = 0.5> "
                  "(t, w, b) }",
                  "Gemm Gemm"},
        GraphCase{"LargeSharedWeight",
                  "g (float[48,5] x) => (float[5,48] y) <float[48,48] w> { t = Gemm <transA = 1, alpha = 2.0> (x, w)  y = Gemm (t, w) }",
                  "Transpose Mul Gemm Gemm"},
        GraphCase{"FactorWithoutBias", "g (float[5,3] x) => (float[5,4] y) <float[3,4] w> { y = Gemm <beta = 3.0> (x, w) }", "Gemm"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Kept, PlainGemms,
    testing::Values(
        GraphCase{"Plain", "g (float[5,3] x) => (float[5,4] y) <float[4,3] w, float[4] b> { y = Gemm <transB = 1> (x, w, b) }", "Gemm"},
        GraphCase{"ComputedWeight", "g (float[5,3] x, float[3,4] w) => (float[5,4] y) { y = Gemm <alpha = 0.5> (x, w) }", "Gemm"},
        GraphCase{"ComputedBias", "g (float[5,3] x, float[4] b) => (float[5,4] y) <float[3,4] w> { y = Gemm <beta = 0.5> (x, w, b) }",
                  "Gemm"}),
    case_name);

TEST(PlainGemmsAttributes, NoneIsLeftThatWasAbsorbed) {
  const auto result = run_pass_on(
      "g (float[3,5] x) => (float[5,4] y) <float[3,4] w, float[4] b> { y = Gemm <alpha = 0.5, beta = 3.0, transA = 1> (x, w, b) }",
      plain_gemms);
  EXPECT_EQ(node_of(result.after, "y").attribute_size(), 0);
}

TEST(PlainGemmsWeights, ALargeOneOfSeveralStaysOne) {
  const auto result =
      run_pass_on("g (float[5,48] x) => (float[5,48] y) <float[48,48] w> { t = Gemm <alpha = 0.5> (x, w)  y = Gemm <alpha = 2.0> (t, w) }",
                  plain_gemms);
  EXPECT_EQ(operators(result.after), "Mul Gemm Mul Gemm");
  EXPECT_EQ(result.detail, "2 Gemms");
  EXPECT_EQ(node_of(result.after, "t").input(1), "w");
  EXPECT_EQ(node_of(result.after, "y").input(1), "w");
}

}  // namespace
}  // namespace quantize::test
