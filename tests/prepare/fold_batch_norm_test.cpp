#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

class FoldBatchNorm : public testing::TestWithParam<GraphCase> {};

TEST_P(FoldBatchNorm, SameFunctionInThisForm) {
  const auto& one = GetParam();
  const auto result = run_pass_on(one.graph, fold_batch_norm, one.opset);
  EXPECT_EQ(operators(result.after), one.operators_after);
}

// The parameters of a BatchNormalization over 4 channels; "var" is filled with positive numbers.
#define BN4 "float[4] scale, float[4] B, float[4] mean, float[4] var"
#define BN "BatchNormalization <epsilon = 0.001>"

INSTANTIATE_TEST_SUITE_P(
    IntoTheOneBefore, FoldBatchNorm,
    testing::Values(GraphCase{"Conv",
                              "g (float[1,3,6,6] x) => (float[1,4,6,6] y) <float[4,3,3,3] w, " BN4
                              "> { t = Conv <pads = [1,1,1,1]> (x, w)  y = " BN " (t, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"ConvWithBias",
                              "g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, float[4] b, " BN4
                              "> { t = Conv (x, w, b)  y = " BN " (t, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"GroupedConv",
                              "g (float[1,6,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, " BN4
                              "> { t = Conv <group = 2> (x, w)  y = " BN " (t, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"Conv1d",
                              "g (float[1,3,8] x) => (float[1,4,6] y) <float[4,3,3] w, " BN4 "> { t = Conv (x, w)  y = " BN
                              " (t, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"Conv3d",
                              "g (float[1,2,4,4,4] x) => (float[1,4,3,3,3] y) <float[4,2,2,2,2] w, " BN4 "> { t = Conv (x, w)  y = " BN
                              " (t, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"ConvTranspose",
                              "g (float[1,3,4,4] x) => (float[1,4,9,9] y) <float[3,4,3,3] w, " BN4
                              "> { t = ConvTranspose <strides = [2,2]> (x, w)  y = " BN " (t, scale, B, mean, var) }",
                              "ConvTranspose"},
                    GraphCase{"GroupedConvTranspose",
                              "g (float[1,6,4,4] x) => (float[1,4,9,9] y) <float[6,2,3,3] w, float[4] b, " BN4
                              "> { t = ConvTranspose <strides = [2,2], group = 2> (x, w, b)  y = " BN " (t, scale, B, mean, var) }",
                              "ConvTranspose"},
                    GraphCase{"Gemm",
                              "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float[4] b, " BN4
                              "> { t = Gemm <alpha = 0.5, beta = 2.0> (x, w, b)  y = " BN " (t, scale, B, mean, var) }",
                              "Gemm"},
                    GraphCase{"GemmTransposed",
                              "g (float[3,5] x) => (float[5,4] y) <float[4,3] w, " BN4
                              "> { t = Gemm <transA = 1, transB = 1> (x, w)  y = " BN " (t, scale, B, mean, var) }",
                              "Gemm"},
                    GraphCase{"GemmScalarBias",
                              "g (float[5,3] x) => (float[5,4] y) <float[3,4] w, float b, " BN4 "> { t = Gemm (x, w, b)  y = " BN
                              " (t, scale, B, mean, var) }",
                              "Gemm"},
                    GraphCase{"TwoInARow",
                              "g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, " BN4 "> { t = Conv (x, w)  u = " BN
                              " (t, scale, B, mean, var)  y = " BN " (u, scale, B, mean, var) }",
                              "Conv"},
                    GraphCase{"Opset7",
                              "g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, " BN4 "> { t = Conv (x, w)  y = " BN
                              " (t, scale, B, mean, var) }",
                              "Conv", 7}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    IntoTheOneAfter, FoldBatchNorm,
    testing::Values(
        GraphCase{"Conv",
                  "g (float[1,4,6,6] x) => (float[1,3,4,4] y) <float[3,4,3,3] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Conv (t, w) }",
                  "Conv"},
        GraphCase{"GroupedConv",
                  "g (float[1,4,6,6] x) => (float[1,6,4,4] y) <float[6,2,3,3] w, float[6] b, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Conv <group = 2, auto_pad = \"VALID\"> (t, w, b) }",
                  "Conv"},
        GraphCase{"Gemm",
                  "g (float[5,4] x) => (float[5,3] y) <float[4,3] w, float[1,3] b, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Gemm <alpha = 0.5, beta = 3.0> (t, w, b) }",
                  "Gemm"},
        GraphCase{"GemmTransposed",
                  "g (float[5,4] x) => (float[5,3] y) <float[3,4] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Gemm <transB = 1> (t, w) }",
                  "Gemm"},
        GraphCase{"BothSidesOfOneConv",
                  "g (float[1,4,6,6] x) => (float[1,4,4,4] y) <float[4,4,3,3] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  u = Conv (t, w)  y = " BN " (u, scale, B, mean, var) }",
                  "Conv"},
        GraphCase{
            "PaddedButNotShifted",
            "g (float[1,2,6,6] x) => (float[1,3,6,6] y) <float[3,2,3,3] w, float[2] scale, float[2] zero = {0, 0}, float[2] var> { t = " BN
            " (x, scale, zero, zero, var)  y = Conv <pads = [1,1,1,1]> (t, w) }",
            "Conv"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    IntoMulAndAdd, FoldBatchNorm,
    testing::Values(
        GraphCase{"Alone", "g (float[2,4,3,3] x) => (float[2,4,3,3] y) <" BN4 "> { y = " BN " (x, scale, B, mean, var) }", "Mul Add"},
        GraphCase{"FreeShape", "g (float[N,4,H,W] x) => (float[N,4,H,W] y) <" BN4 "> { y = " BN " (x, scale, B, mean, var) }", "Mul Add"},
        GraphCase{"Matrix", "g (float[2,4] x) => (float[2,4] y) <" BN4 "> { y = " BN " (x, scale, B, mean, var) }", "Mul Add"},
        GraphCase{"ConvReadTwice",
                  "g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, " BN4 "> { t = Conv (x, w)  u = " BN
                  " (t, scale, B, mean, var)  y = Add (t, u) }",
                  "Conv Mul Add Add"},
        GraphCase{"ConvIsAnOutput",
                  "g (float[1,3,6,6] x) => (float[1,4,4,4] y, float[1,4,4,4] t) <float[4,3,3,3] w, " BN4 "> { t = Conv (x, w)  y = " BN
                  " (t, scale, B, mean, var) }",
                  "Conv Mul Add"},
        GraphCase{"ShiftIntoPaddedConv",
                  "g (float[1,4,6,6] x) => (float[1,3,6,6] y) <float[3,4,3,3] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Conv <pads = [1,1,1,1]> (t, w) }",
                  "Mul Add Conv"},
        GraphCase{"ShiftIntoSamePaddedConv",
                  "g (float[1,4,6,6] x) => (float[1,3,6,6] y) <float[3,4,3,3] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Conv <auto_pad = \"SAME_UPPER\"> (t, w) }",
                  "Mul Add Conv"},
        GraphCase{"TwoReaders",
                  "g (float[1,4,6,6] x) => (float[1,3,4,4] y, float[1,4,6,6] z) <float[3,4,3,3] w, " BN4 "> { t = " BN
                  " (x, scale, B, mean, var)  y = Conv (t, w)  z = Relu (t) }",
                  "Mul Add Conv Relu"},
        GraphCase{"ReluBetween",
                  "g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, " BN4 "> { t = Conv (x, w)  r = Relu (t)  y = " BN
                  " (r, scale, B, mean, var) }",
                  "Conv Relu Mul Add"},
        GraphCase{"GemmWithMatrixBias",
                  "g (float[4,3] x) => (float[4,4] y) <float[3,4] w, float[4,4] b, " BN4 "> { t = Gemm (x, w, b)  y = " BN
                  " (t, scale, B, mean, var) }",
                  "Gemm Mul Add"},
        GraphCase{"GemmColumnBias",
                  "g (float[4,3] x) => (float[4,4] y) <float[3,4] w, float[4,1] b, " BN4 "> { t = Gemm (x, w, b)  y = " BN
                  " (t, scale, B, mean, var) }",
                  "Gemm Mul Add"},
        GraphCase{"GemmReadsTransposed",
                  "g (float[4,5] x) => (float[5,3] y) <float[4,3] w, float[5] scale, float[5] B, float[5] mean, float[5] var> { t = " BN
                  " (x, scale, B, mean, var)  y = Gemm <transA = 1> (t, w) }",
                  "Mul Add Gemm"},
        GraphCase{"WeightIsComputed",
                  "g (float[1,4,6,6] x, float[4,4,3,3] w) => (float[1,4,4,4] y) <" BN4 "> { t = Conv (x, w)  y = " BN
                  " (t, scale, B, mean, var) }",
                  "Conv Mul Add"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Kept, FoldBatchNorm,
    testing::Values(
        GraphCase{"ParametersAreComputed",
                  "g (float[1,4,3,3] x, float[4] scale) => (float[1,4,3,3] y) <float[4] B, float[4] mean, float[4] var> { y = " BN
                  " (x, scale, B, mean, var) }",
                  "BatchNormalization"},
        GraphCase{"Training",
                  "g (float[2,4,3,3] x) => (float[2,4,3,3] y, float[4] m, float[4] v) <" BN4
                  "> { y, m, v = BatchNormalization <training_mode = 1> (x, scale, B, mean, var) }",
                  "BatchNormalization"}),
    case_name);

TEST(FoldBatchNormWeights, SharedWeightIsCopied) {
  const auto result = run_pass_on("g (float[1,3,6,6] x) => (float[1,4,4,4] y, float[1,4,4,4] z) <float[4,3,3,3] w, float[4] b, " BN4
                                  ", float[4] scale2> {"
                                  "t = Conv (x, w, b)  y = " BN " (t, scale, B, mean, var)  z = Conv (x, w, b) }",
                                  fold_batch_norm);
  EXPECT_EQ(operators(result.after), "Conv Conv");
  EXPECT_EQ(node_of(result.after, "z").input(1), "w");
  EXPECT_EQ(node_of(result.after, "y").input(1), "w_folded");
  EXPECT_EQ(node_of(result.after, "y").input(2), "b_folded");
}

TEST(FoldBatchNormWeights, TiedWeightsWithTwoBatchNorms) {
  const auto result =
      run_pass_on("g (float[1,3,6,6] x) => (float[1,4,4,4] y, float[1,4,4,4] z) <float[4,3,3,3] w, " BN4
                  ", float[4] scale2> {"
                  "t = Conv (x, w)  y = " BN " (t, scale, B, mean, var)  u = Conv (x, w)  z = " BN " (u, scale2, B, mean, var) }",
                  fold_batch_norm);
  EXPECT_EQ(operators(result.after), "Conv Conv");
  EXPECT_EQ(result.after.graph().initializer_size(), 4);
}

// Two convolutions of one weight of 9 kB, each with a BatchNormalization of its own.
PassResult folded_with_large_weight(const std::string& first, const std::string& second) {
  return run_pass_on(
      "g (float[1,16,6,6] x) => (float[1,16,4,4] y, float[1,16,4,4] z) <float[16,16,3,3] w, float[16] scale, float[16] B, "
      "float[16] mean, float[16] var, float[16] scale2> { r = Relu (x)  t = Conv (x, w)  " +
          first + "  u = Conv (r, w)  " + second + "}",
      fold_batch_norm);
}

TEST(FoldBatchNormWeights, TiedWeightThatAllReadersChangeAlikeStaysOne) {
  const auto result =
      folded_with_large_weight("y = BatchNormalization (t, scale, B, mean, var)", "z = BatchNormalization (u, scale, B, mean, var)");
  EXPECT_EQ(operators(result.after), "Relu Conv Conv");
  EXPECT_EQ(node_of(result.after, "y").input(1), "w");
  EXPECT_EQ(node_of(result.after, "z").input(1), "w");
}

TEST(FoldBatchNormWeights, LargeTiedWeightIsNotCopied) {
  for (const auto* second : {"z = BatchNormalization (u, scale2, B, mean, var)", "z = Relu (u)"}) {
    const auto result = folded_with_large_weight("y = BatchNormalization (t, scale, B, mean, var)", second);
    EXPECT_EQ(count_nodes(result.after, "BatchNormalization"), 0);
    EXPECT_GT(count_nodes(result.after, "Mul"), 0);
    EXPECT_LT(result.after.proto.ByteSizeLong(), result.before.proto.ByteSizeLong() + 1000) << second;
  }
}

TEST(FoldBatchNormWeights, NewBiasIsNamedAfterItsWeight) {
  const auto result = run_pass_on("g (float[1,3,6,6] x) => (float[1,4,4,4] y) <float[4,3,3,3] \"c.weight\", " BN4
                                  "> { t = Conv (x, \"c.weight\")  y = " BN " (t, scale, B, mean, var) }",
                                  fold_batch_norm);
  EXPECT_EQ(node_of(result.after, "y").input(2), "c.bias");
}

TEST(FoldBatchNormTypes, DoubleIsExact) {
  const auto result = run_pass_on(
      "g (double[5,3] x) => (double[5,4] y) <double[3,4] w, double[4] scale, double[4] B, double[4] mean, double[4] var> {"
      "t = Gemm (x, w)  y = " BN " (t, scale, B, mean, var) }",
      fold_batch_norm, 17, 1e-14);
  EXPECT_EQ(operators(result.after), "Gemm");
  EXPECT_EQ(initializer_of(result.after, "w").data_type(), onnx::TensorProto::DOUBLE);
}

TEST(FoldBatchNormTypes, HalfStaysHalf) {
  // A weight is rounded once more, by half a unit in the 11th bit, and so are the sums: a few times 2^-11.
  const auto result = run_pass_on(
      "g (float16[1,3,6,6] x) => (float16[1,4,4,4] y) <float16[4,3,3,3] w, float16[4] scale, float16[4] B, float16[4] mean, float16[4] "
      "var> {"
      "t = Conv (x, w)  y = " BN " (t, scale, B, mean, var) }",
      fold_batch_norm, 17, 8.0 / 2048);
  EXPECT_EQ(operators(result.after), "Conv");
  EXPECT_EQ(initializer_of(result.after, "w").data_type(), onnx::TensorProto::FLOAT16);
}

TEST(FoldBatchNormTypes, HalfThatWouldOverflowIsNotFolded) {
  Model model = text_model(
      "g (float16[1,1,1] x) => (float16[1,1,1] y) <float16[1,1,1] w, float16[1] scale, float16[1] B, float16[1] mean, float16[1] var> {"
      "t = Conv (x, w)  y = " BN " (t, scale, B, mean, var) }");
  const auto put = [&](const char* name, const Shape& shape, float value) {
    put_initializer(model.graph(), make_float_tensor(name, shape, onnx::TensorProto::FLOAT16, std::vector<float>{value}));
  };
  put("w", {1, 1, 1}, 40000);
  put("scale", {1}, 3);
  put("var", {1}, 1);
  EXPECT_NE(fold_batch_norm(model), "");
  EXPECT_EQ(operators(model), "Conv Mul Add");
}

}  // namespace
}  // namespace quantize::test
