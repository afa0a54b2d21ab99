#include "base/error.h"
#include "model/attribute.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto raise_to_default = [](Model& model) { return raise_opset(model, 0); };
const auto raise_to_24 = [](Model& model) { return raise_opset(model, 24); };

class RaiseOpset : public testing::TestWithParam<GraphCase> {};

TEST_P(RaiseOpset, SameFunctionInTheDefaultOpset) {
  const auto result = run_pass_on(GetParam().graph, raise_to_default, GetParam().opset);
  EXPECT_EQ(opset_of(result.after.proto), GetParam().opset < 13 ? 17 : GetParam().opset);
}

TEST_P(RaiseOpset, SameFunctionInTheNewestOpset) {
  const auto result = run_pass_on(GetParam().graph, raise_to_24, GetParam().opset);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
  EXPECT_EQ(opset_of(result.after.proto), 24);
}

INSTANTIATE_TEST_SUITE_P(
    Attributes, RaiseOpset,
    testing::Values(
        GraphCase{"Clip", "g (float[4] x) => (float[4] y) { y = Clip <min = 0.0, max = 6.0> (x) }", "Clip", 7},
        GraphCase{"ClipOneSide", "g (float[4] x) => (float[4] y) { y = Clip <max = 0.5> (x) }", "Clip", 10},
        GraphCase{"ClipHalf", "g (float16[4] x) => (float16[4] y) { y = Clip <min = -0.5, max = 0.5> (x) }", "Clip", 9},
        GraphCase{"Pad", "g (float[1,2,3,3] x) => (float[1,2,5,6] y) { y = Pad <pads = [0,0,1,1,0,0,1,2], value = 0.5> (x) }", "Pad", 9},
        GraphCase{"PadReflect", "g (float[1,2,3,3] x) => (float[1,2,5,5] y) { y = Pad <mode = \"reflect\", pads = [0,0,1,1,0,0,1,1]> (x) }",
                  "Pad", 8},
        GraphCase{"Slice", "g (float[4,5] x) => (float[2,3] y) { y = Slice <starts = [1, -4], ends = [3, -1]> (x) }", "Slice", 9},
        GraphCase{"SliceAxes", "g (float[4,5] x) => (float[4,2] y) { y = Slice <axes = [1], starts = [2], ends = [4]> (x) }", "Slice", 7},
        GraphCase{"TopK", "g (float[3,8] x) => (float[3,2] y, int64[3,2] i) { y, i = TopK <k = 2, axis = 1> (x) }", "TopK", 9},
        GraphCase{"TopKAsInput", "g (float[3,8] x) => (float[3,2] y, int64[3,2] i) <int64[1] k = {2}> { y, i = TopK (x, k) }", "TopK", 10},
        GraphCase{"Dropout", "g (float[4] x) => (float[4] y) { t = Dropout <ratio = 0.5> (x)  y = Relu (t) }", "Dropout Relu", 10},
        GraphCase{"Squeeze", "g (float[1,4,1] x) => (float[4,1] y) { y = Squeeze <axes = [0]> (x) }", "Squeeze", 11},
        GraphCase{"SqueezeAll", "g (float[1,4,1] x) => (float[4] y) { y = Squeeze (x) }", "Squeeze", 11},
        GraphCase{"Unsqueeze", "g (float[4] x) => (float[1,4,1] y) { y = Unsqueeze <axes = [0, 2]> (x) }", "Unsqueeze", 9},
        GraphCase{"ReduceSum", "g (float[2,3,4] x) => (float[2,4] y) { y = ReduceSum <axes = [1], keepdims = 0> (x) }", "ReduceSum", 12},
        GraphCase{"ReduceMean", "g (float[2,3,4] x) => (float[2,1,1] y) { y = ReduceMean <axes = [1, -1]> (x) }", "ReduceMean", 13},
        GraphCase{"ReduceMaxAll", "g (float[2,3,4] x) => (float[1,1,1] y) { y = ReduceMax (x) }", "ReduceMax", 9},
        GraphCase{"ReduceL2", "g (float[2,3,4] x) => (float[2,3] y) { y = ReduceL2 <axes = [2], keepdims = 0> (x) }", "ReduceL2", 17},
        GraphCase{"Split", "g (float[2,5] x) => (float[2,2] y, float[2,3] z) { y, z = Split <axis = 1, split = [2, 3]> (x) }", "Split", 11},
        GraphCase{"SplitEqual", "g (float[2,6] x) => (float[2,3] y, float[2,3] z) { y, z = Split <axis = 1> (x) }", "Split", 9},
        GraphCase{"SplitEqual13", "g (float[2,6] x) => (float[2,3] y, float[2,3] z) { y, z = Split <axis = 1> (x) }", "Split", 13},
        GraphCase{"Dft", "g (float[1,6,5,2] x) => (float[1,6,5,2] y) { y = DFT <axis = 2> (x) }", "DFT", 17}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Meaning, RaiseOpset,
    testing::Values(
        GraphCase{"SoftmaxOverTheLastAxis", "g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 2> (x) }", "Softmax", 11},
        GraphCase{"SoftmaxOfMatrixByDefault", "g (float[2,3] x) => (float[2,3] y) { y = Softmax (x) }", "Softmax", 9},
        GraphCase{"SoftmaxBeforeOnes", "g (float[2,3,1,1] x) => (float[2,3,1,1] y) { y = Softmax <axis = 1> (x) }", "Softmax", 11},
        GraphCase{"SoftmaxOverAllThatFollows", "g (float[2,3,4,5] x) => (float[2,3,4,5] y) { y = Softmax <axis = 1> (x) }",
                  "Flatten Softmax Reshape", 11},
        GraphCase{"SoftmaxNegativeAxis", "g (float[2,3,4,5] x) => (float[2,3,4,5] y) { y = Softmax <axis = -2> (x) }",
                  "Flatten Softmax Reshape", 12},
        GraphCase{"SoftmaxFreeBatch", "g (float[N,3,4,5] x) => (float[N,3,4,5] y) { y = Softmax (x) }", "Flatten Softmax Reshape", 9},
        GraphCase{"SoftmaxFreeShape", "g (float[N,3,H,W] x) => (float[N,3,H,W] y) { y = Softmax (x) }", "Flatten Shape Softmax Reshape", 9},
        GraphCase{"LogSoftmax", "g (float[2,3,4] x) => (float[2,3,4] y) { y = LogSoftmax (x) }", "Flatten LogSoftmax Reshape", 12},
        GraphCase{"Hardmax", "g (float[2,3,4] x) => (float[2,3,4] y) { y = Hardmax (x) }", "Flatten Hardmax Reshape", 11},
        GraphCase{"Scatter",
                  "g (float[1,5] x) => (float[1,5] y) <int64[1,2] i = {1, 3}, float[1,2] v> { y = Scatter <axis = 1> (x, i, v) }",
                  "ScatterElements", 10},
        GraphCase{"GridSample",
                  "g (float[1,2,5,5] x, float[1,3,3,2] grid) => (float[1,2,3,3] y) { y = GridSample <mode = \"bicubic\"> (x, grid) }",
                  "GridSample", 16},
        GraphCase{"GridSampleByDefault", "g (float[1,2,5,5] x, float[1,3,3,2] grid) => (float[1,2,3,3] y) { y = GridSample (x, grid) }",
                  "GridSample", 18},
        GraphCase{"BatchNormalization",
                  "g (float[1,4,3,3] x) => (float[1,4,3,3] y) <float[4] s, float[4] b, float[4] m, float[4] var> { y = BatchNormalization "
                  "<spatial = 1> (x, s, b, m, var) }",
                  "BatchNormalization", 7}),
    case_name);

// Operators that only learned more types on the way, or nothing.
INSTANTIATE_TEST_SUITE_P(
    Unchanged, RaiseOpset,
    testing::Values(
        GraphCase{"Vision",
                  "g (float[1,3,9,9] x) => (float[1,4,1,1] y, float[1,4,3,3] z) <float[4,3,3,3] w, float[4] b, float[4,1,1] s> {"
                  "c = Conv <strides = [2,2], pads = [1,1,1,1]> (x, w, b)  r = LeakyRelu (c)  m = MaxPool <kernel_shape = [2,2]> (r)  p = "
                  "PRelu (m, s)"
                  "e = Elu (p)  z = AveragePool <kernel_shape = [2,2], strides = [2,2], ceil_mode = 1> (c)  y = GlobalAveragePool (e) }",
                  "Conv LeakyRelu MaxPool PRelu Elu AveragePool GlobalAveragePool", 10},
        GraphCase{"Arithmetic",
                  "g (float[2,3] x) => (float[2,3] y) { a = Add (x, x)  m = Mul (a, x)  s = Sub (m, a)  d = Sigmoid (s)  t = Tanh (d)  n = "
                  "Neg (t)  y = Exp (n) }",
                  "Add Mul Sub Sigmoid Tanh Neg Exp", 7},
        GraphCase{"Gemm", "g (float[2,3] x) => (float[2,4] y) <float[3,4] w, float[4] b> { y = Gemm (x, w, b) }", "Gemm", 7},
        GraphCase{"Reshape",
                  "g (float[2,3] x) => (float[6] y) <int64[1] s = {-1}> { t = Transpose <perm = [1, 0]> (x)  y = Reshape (t, s) }",
                  "Transpose Reshape", 7},
        GraphCase{"InstanceNorm",
                  "g (float[2,3,4,4] x) => (float[2,3,4,4] y) <float[3] s, float[3] b> { y = InstanceNormalization (x, s, b) }",
                  "InstanceNormalization", 7},
        GraphCase{"DepthToSpace", "g (float[1,8,2,2] x) => (float[1,2,4,4] y) { y = DepthToSpace <blocksize = 2> (x) }", "DepthToSpace",
                  9}),
    case_name);

// ONNX Runtime has no newer kernel than that of opset 16.
TEST(RaiseOpsetMeaning, RoiAlignKeepsItsCoordinates) {
  const auto result = run_pass_on(
      "g (float[1,2,8,8] x) => (float[1,2,2,2] y) <float[1,4] r = {1.3, 1.2, 5.1, 6.7}, int64[1] b = {0}> {"
      "y = RoiAlign <output_height = 2, output_width = 2, sampling_ratio = 2> (x, r, b) }",
      raise_to_default, 10);
  EXPECT_EQ(string_attribute(node_of(result.after, "y"), "coordinate_transformation_mode", ""), "output_half_pixel");
}

// ONNX's checker calls the form of opset 18 deprecated, so that the model before is not checked.
TEST(RaiseOpsetMeaning, GroupNormalizationGetsOneScalePerChannel) {
  Model model = text_model(
      "g (float[1,6,4,4] x) => (float[1,6,4,4] y) <float[2] s, float[2] b> { y = GroupNormalization <num_groups = 2> (x, s, b) }", 18);
  const Model before = model;
  EXPECT_NE(raise_opset(model, 21), "");
  EXPECT_NO_THROW(check_model(model.proto, "after"));
  EXPECT_EQ(shape_of(initializer_of(model, "y_scale")), Shape{6});
  expect_same_function(before.proto, model.proto);
}

TEST(RaiseOpsetBounds, ClipStaysExactlyZeroToSix) {
  const auto result = run_pass_on("g (float[4] x) => (float[4] y) { t = Mul (x, x)  u = Mul (t, x)  y = Clip <min = 0.0, max = 6.0> (u) }",
                                  raise_to_default, 9, 0);
  const auto& clip = node_of(result.after, "y");
  EXPECT_EQ(clip.attribute_size(), 0);
  EXPECT_EQ(float_values(initializer_of(result.after, clip.input(1))), std::vector<float>{0});
  EXPECT_EQ(float_values(initializer_of(result.after, clip.input(2))), std::vector<float>{6});
}

TEST(RaiseOpsetVersions, LeavesNewEnoughModelsAlone) {
  const auto result = run_pass_on("g (float[4] x) => (float[4] y) { y = Relu (x) }", raise_to_default, 13);
  EXPECT_EQ(result.detail, "");
}

TEST(RaiseOpsetVersions, RaisesTheFileFormatToo) {
  Model model = text_model("g (float[4] x) => (float[4] y) { y = Relu (x) }", 9, 4);
  raise_opset(model, 21);
  EXPECT_EQ(opset_of(model.proto), 21);
  EXPECT_EQ(model.proto.ir_version(), 10);
}

// An operator set may be newer than the format that it came in.
TEST(RaiseOpsetVersions, RaisesTheFileFormatAlone) {
  Model model = text_model("g (float[4] x) => (float[4] y) { y = Relu (x) }", 21, 8);
  EXPECT_EQ(raise_opset(model, 21), "");
  EXPECT_EQ(model.proto.ir_version(), 10);
}

TEST(RaiseOpsetVersions, SubgraphsAreRaisedToo) {
  const auto result = run_pass_on(R"(g (bool c, float[2,3] x) => (float[2] y) {
    y = If (c) <
      then_branch = t () => (float[2] p) { a = Clip <min = 0.0, max = 0.5> (x)  b = ReduceSum <axes = [1]> (a)  p = Squeeze <axes = [1]> (b) },
      else_branch = e () => (float[2] q) { q = ReduceMean <axes = [1], keepdims = 0> (x) }>
  })",
                                  raise_to_24, 10);
  EXPECT_EQ(opset_of(result.after.proto), 24);
}

TEST(RaiseOpsetVersions, NewNamesAvoidExistingOnes) {
  run_pass_on("g (float[4] x) => (float[4] y) <float[4] y_min> { t = Add (x, y_min)  y = Clip <min = 0.0> (t) }", raise_to_default, 9);
}

TEST(RaiseOpsetVersions, LocalFunctionsStayWhereNothingIsRaised) {
  const auto result =
      run_pass_on(R"(<ir_version: 8, opset_import: ["" : 14, "local" : 1]> g (float[2,3] x) => (float[2,3] y) { y = local.Twice (x) }
  <domain: "local", opset_import: ["" : 14]> Twice (a) => (b) { b = Add (a, a) })",
                  raise_to_default);
  EXPECT_EQ(operators(result.after), "Twice");
}

TEST(RaiseOpsetVersions, LeavesOtherDomainsAlone) {
  const auto result = run_pass_on(R"(<ir_version: 8, opset_import: ["" : 12, "com.microsoft" : 1]> g (float[4] x) => (float[4] y) {
    t = com.microsoft.Gelu (x)  y = Clip (t)
  })",
                                  raise_to_default);
  EXPECT_EQ(operators(result.after), "Gelu Clip");
}

// A function's body was written for the old opset.
TEST(RaiseOpsetVersions, LocalFunctionsBecomePlainNodes) {
  const auto result = run_pass_on(R"(<ir_version: 8, opset_import: ["" : 12, "local" : 1]> g (float[2,3] x) => (float[2] y) {
    t = local.Summed (x)
    y = Squeeze <axes = [1]> (t)
  }
  <domain: "local", opset_import: ["" : 12]> Summed (a) => (b) { b = ReduceSum <axes = [1]> (a) })",
                                  raise_to_default);
  EXPECT_EQ(operators(result.after), "ReduceSum Squeeze");
}

TEST(RaiseOpsetRefuses, BatchNormalizationPerPixel) {
  Model model = text_model(
      "g (float[1,4,3,3] x) => (float[1,4,3,3] y) <float[4,3,3] s, float[4,3,3] b, float[4,3,3] m, float[4,3,3] var> { y = "
      "BatchNormalization <spatial = 0> (x, s, b, m, var) }",
      8, 4);
  try {
    raise_opset(model, 0);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::verification);
    const std::string text = error.what();
    EXPECT_NE(text.find("opset 8 to 17"), std::string::npos) << text;
    EXPECT_NE(text.find("spatial"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace quantize::test
