#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

class FuseBiasAdd : public testing::TestWithParam<GraphCase> {};

TEST_P(FuseBiasAdd, SameFunctionInThisForm) {
  EXPECT_EQ(operators(run_pass_on(GetParam().graph, fuse_bias_add).after), GetParam().operators_after);
}

INSTANTIATE_TEST_SUITE_P(
    Fused, FuseBiasAdd,
    testing::Values(
        GraphCase{"Conv",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv"},
        GraphCase{"ConstantFirst",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[1,4,1,1] b> { t = Conv (x, w)  y = Add (b, t) }",
                  "Conv"},
        GraphCase{"OneValue", "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv"},
        GraphCase{"OnTopOfBias",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4] c, float[4,1,1] b> { t = Conv (x, w, c)  y = Add "
                  "(t, b) }",
                  "Conv"},
        GraphCase{"Subtracted",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  y = Sub (t, b) }",
                  "Conv"},
        GraphCase{"TwoAdds",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  u = Add (t, b)  y = "
                  "Add (u, b) }",
                  "Conv"},
        GraphCase{"GroupedConvTranspose",
                  "g (float[2,4,3,3] x) => (float[2,6,5,5] y) <float[4,3,3,3] w, float[6,1,1] b> { t = ConvTranspose <group = 2> (x, w)  y "
                  "= Add (t, b) }",
                  "ConvTranspose"},
        GraphCase{"Gemm", "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] b> { t = Gemm (x, w)  y = Add (t, b) }", "Gemm"},
        GraphCase{"GemmWithBeta",
                  "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] c, float[1,4] b> { t = Gemm <beta = 2.0> (x, w, c)  y = Add "
                  "(t, b) }",
                  "Gemm"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Kept, FuseBiasAdd,
    testing::Values(
        GraphCase{"VariesOverWidth",
                  "g (float[2,3,6,6] x) => (float[2,4,4,4] y) <float[4,3,3,3] w, float[4] b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv Add"},
        GraphCase{"VariesOverBatch",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[2,4,1,1] b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv Add"},
        GraphCase{"WidensChannels",
                  "g (float[2,3,5,5] x) => (float[2,5,3,3] y) <float[1,3,3,3] w, float[5,1,1] b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv Add"},
        GraphCase{"WidensRank",
                  "g (float[2,3,5,5] x) => (float[1,2,4,3,3] y) <float[4,3,3,3] w, float[1,1,4,1,1] b> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv Add"},
        GraphCase{"NotConstant",
                  "g (float[2,3,5,5] x, float[4,1,1] b) => (float[2,4,3,3] y) <float[4,3,3,3] w> { t = Conv (x, w)  y = Add (t, b) }",
                  "Conv Add"},
        GraphCase{"ReadElsewhere",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y, float[2,4,3,3] z) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  y = "
                  "Add (t, b)  z = Relu (t) }",
                  "Conv Add Relu"},
        GraphCase{"ConvIsAnOutput",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y, float[2,4,3,3] t) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  y = "
                  "Add (t, b) }",
                  "Conv Add"},
        GraphCase{"SubtractedFrom",
                  "g (float[2,3,5,5] x) => (float[2,4,3,3] y) <float[4,3,3,3] w, float[4,1,1] b> { t = Conv (x, w)  y = Sub (b, t) }",
                  "Conv Sub"},
        GraphCase{"MatMul", "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] b> { t = MatMul (x, w)  y = Add (t, b) }",
                  "MatMul Add"},
        GraphCase{"GemmColumn", "g (float[4,3] x) => (float[4,4] y) <float[3,4] w, float[4,1] b> { t = Gemm (x, w)  y = Add (t, b) }",
                  "Gemm Add"},
        GraphCase{"Residual", "g (float[2,3,5,5] x) => (float[2,3,5,5] y) <float[3,3,1,1] w> { t = Conv (x, w)  y = Add (t, x) }",
                  "Conv Add"}),
    case_name);

TEST(FuseBiasAddWeights, WeightIsUntouchedAndSharedBiasIsCopied) {
  const auto result = run_pass_on(
      "g (float[2,3,5,5] x) => (float[2,4,3,3] y, float[2,4,3,3] z) <float[4,3,3,3] w, float[4] c, float[4,1,1] b> {"
      "t = Conv (x, w, c)  y = Add (t, b)  z = Conv (x, w, c) }",
      fuse_bias_add);
  EXPECT_EQ(node_of(result.after, "y").input(1), "w");
  EXPECT_EQ(node_of(result.after, "z").input(2), "c");
  EXPECT_EQ(node_of(result.after, "y").input(2), "c_folded");
}

}  // namespace
}  // namespace quantize::test
