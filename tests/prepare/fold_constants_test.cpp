#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(FoldConstants, WeightBehindTransposeReshapeAndCast) {
  const auto result = run_pass_on(R"(g (float[1,2,4,4] x) => (float[1,3,2,2] y) <double[3,3,2,3] w, int64[4] shape = {3, 2, 3, 3}> {
    t = Transpose <perm = [3, 2, 0, 1]> (w)
    r = Reshape (t, shape)
    i = Identity (r)
    c = Cast <to = 1> (i)
    y = Conv (x, c)
  })",
                                  fold_constants);
  EXPECT_EQ(result.detail, "1 tensor");
  EXPECT_EQ(operators(result.after), "Conv");
  EXPECT_EQ(result.after.graph().initializer_size(), 1);
}

// What PyTorch writes for interpolate(x, size = y.shape[2:] * 2): three rounds, because each Resize makes the next shapes known.
TEST(FoldConstants, ShapeChainsOfResizes) {
  const auto result =
      run_pass_on(R"(g (float[1,2,4,6] x) => (float[1,2,16,24] y) <int64[1] two = {2}, int64[1] zero = {0}, int64[1] four = {4}> {
    s1 = Shape (x)
    hw1 = Slice (s1, two, four, zero)
    big1 = Mul (hw1, two)
    nc1 = Slice (s1, zero, two, zero)
    sizes1 = Concat <axis = 0> (nc1, big1)
    u = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (x, , , sizes1)
    s2 = Shape (u)
    hw2 = Slice (s2, two, four, zero)
    big2 = Mul (hw2, two)
    nc2 = Slice (s2, zero, two, zero)
    sizes2 = Concat <axis = 0> (nc2, big2)
    y = Resize <mode = "linear"> (u, , , sizes2)
  })",
                  fold_constants);
  EXPECT_EQ(operators(result.after), "Resize Resize");
  EXPECT_EQ(int_values(initializer_of(result.after, "sizes2")), (std::vector<std::int64_t>{1, 2, 16, 24}));
}

TEST(FoldConstants, KeepsChainsOfFreeDimensions) {
  const auto result = run_pass_on(R"(g (float[1,2,H,W] x) => (float[K] y) <int64[1] all = {-1}> {
    s = Shape (x)
    d = Gather <axis = 0> (s, all)
    r = Concat <axis = 0> (d)
    y = Reshape (x, all)
    z = Identity (r)
  })",
                                  fold_constants);
  EXPECT_EQ(result.detail, "");
}

TEST(FoldConstants, KnownDimensionsOfAShapeWithFreeBatch) {
  const auto result = run_pass_on(
      R"(g (float[N,2,4,6] x) => (float[N,12,4] y) <int64 two = {2}, int64 one = {1}, int64[1] first = {0}, int64[1] m1 = {-1}> {
    s = Shape (x)
    h = Gather <axis = 0> (s, two)
    c = Gather <axis = 0> (s, one)
    h1 = Unsqueeze (h, first)
    n1 = Shape <start = 0, end = 1> (x)
    wc = Shape <start = 3> (x)
    two1 = Unsqueeze (c, first)
    k = Mul (wc, two1)
    target = Concat <axis = 0> (n1, k, h1)
    y = Reshape (x, target)
  })",
      fold_constants);
  EXPECT_EQ(operators(result.after), "Shape Concat Reshape");
  EXPECT_EQ(int_values(initializer_of(result.after, "k")), std::vector<std::int64_t>{12});
}

TEST(FoldConstants, SizeOfKnownShape) {
  const auto result = run_pass_on(R"(g (float[3,4] x) => (float[3,4] y) {
    n = Size (x)
    f = Cast <to = 1> (n)
    y = Div (x, f)
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "Div");
  EXPECT_EQ(float_values(initializer_of(result.after, "f")), std::vector<float>{12});
}

TEST(FoldConstants, KeepsRandomNodes) {
  Model model = text_model(R"(g (float[3] x) => (float[3] y) <float[3] shape_like> {
    r = RandomUniformLike <low = 0.0, high = 1.0> (shape_like)
    s = Shape (r)
    t = Cast <to = 1> (s)
    z = Mul (r, t)
    y = Add (x, z)
  })");
  EXPECT_NE(fold_constants(model), "");
  EXPECT_EQ(operators(model), "RandomUniformLike Mul Add");
}

TEST(FoldConstants, KeepsResultsThatWouldBlowUpTheFile) {
  const auto graph = [](const std::string& count) {
    return "g (float[1] x) => (float[1] y) <int64[1] n = {" + count +
           "}> { big = ConstantOfShape <value = float[1] {1}> (n)  m = ReduceMax (big)  y = Add (x, m) }";
  };
  EXPECT_EQ(operators(run_pass_on(graph("20000000"), fold_constants).after), "ConstantOfShape ReduceMax Add");
  EXPECT_EQ(operators(run_pass_on(graph("2000"), fold_constants).after), "Add");
}

// The coordinates of each position as channels: what is small is folded, what Expand makes of it is left to ONNX Runtime.
TEST(FoldConstants, KeepsComputedCoordinates) {
  const auto result = run_pass_on(R"(g (float[1,1,8,20000] x) => (float[1,2,8,20000] y)
      <float zero = {0}, float count = {20000}, float one = {1}, int64[4] row = {1, 1, 1, -1}, int64[4] shape = {1, 1, 8, 1}> {
    r = Range (zero, count, one)
    w = Reshape (r, row)
    e = Expand (w, shape)
    d = Div (e, count)
    y = Concat <axis = 1> (x, d)
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "Range Reshape Expand Div Concat");
}

TEST(FoldConstants, ALargeResultThatEndsAsAWeightIsFolded) {
  const auto result = run_pass_on(R"(g (float[1,64,4,4] x) => (float[1,64,2,2] y) <float[64,1,1,1] v, int64[4] shape = {64, 64, 3, 3}> {
    e = Expand (v, shape)
    w = Neg (e)
    y = Conv (x, w)
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "Conv");
}

TEST(FoldConstants, KeepsWhatTurnsOutLarge) {
  const auto result = run_pass_on(R"(g (float[1] x) => (float[K] y) <float zero = {0}, float[2] n = {3, 20000}, float one = {1}> {
    m = ReduceMax <keepdims = 0> (n)
    r = Range (zero, m, one)
    y = Concat <axis = 0> (x, r)
  })",
                                  fold_constants);
  EXPECT_EQ(result.detail, "");
}

TEST(FoldConstants, KeepsModelOutputsAndSubgraphs) {
  const auto result = run_pass_on(R"(g (bool c, float[2] x) => (float[2] y, float[2] z) <float[2] a, float[2] b> {
    z = Add (a, b)
    y = If (c) < then_branch = t () => (float[2] p) { p = Add (x, a) }, else_branch = e () => (float[2] q) { q = Identity (x) } >
  })",
                                  fold_constants);
  EXPECT_EQ(result.detail, "");
}

TEST(FoldConstants, WhatASubgraphReadsIsFoldedButThere) {
  const auto result = run_pass_on(R"(g (bool c, float[2] x) => (float[2] y) <float[2] a, float[2] b> {
    k = Mul (a, b)
    y = If (c) < then_branch = t () => (float[2] p) { p = Add (x, k) }, else_branch = e () => (float[2] q) { q = Identity (x) } >
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "If");
  initializer_of(result.after, "k");
}

TEST(FoldConstants, IfOnAShapeBecomesItsBranch) {
  const auto result = run_pass_on(R"(g (float[1,2] x) => (float[P,Q] y) <int64 one = {1}, int64[1] first = {0}> {
    s = Shape (x)
    d = Gather <axis = 0> (s, one)
    c = Equal (d, one)
    y = If (c) <
      then_branch = t () => (float[A,B] p) { p = Squeeze (x, first) },
      else_branch = e () => (float[E,F] q) { s2 = Shape (x)  f = Cast <to = 1> (s2)  q = Add (x, f) }>
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "Add Identity");
}

TEST(FoldConstants, SeveralOutputsOneUnread) {
  const auto result = run_pass_on(R"(g (float[2] x) => (float[2] y) <float[4] a, int64[2] parts = {2, 2}> {
    p, q = Split <axis = 0> (a, parts)
    y = Add (x, q)
  })",
                                  fold_constants);
  EXPECT_EQ(operators(result.after), "Add");
  EXPECT_EQ(result.after.graph().initializer_size(), 1);
}

// A stale claim in the file about an inner tensor is not believed.
TEST(FoldConstants, WrongDeclaredShapeIsIgnored) {
  Model model =
      text_model("g (float[N,2] x) => (float[N,2] y, int64[2] s) { t = Relu (x)  s0 = Shape (t)  s = Add (s0, s0)  y = Relu (t) }");
  claim(model, "t", {7, 2});
  EXPECT_EQ(run_pass_on(model, fold_constants).detail, "");
}

TEST(FoldConstants, NothingIsClaimedAboutWhatBecameAConstant) {
  Model model = text_model("g (float[2] x) => (float[2] y) <float[2] a> { b = Neg (a)  y = Add (x, b) }");
  claim(model, "b", {2});
  EXPECT_EQ(run_pass_on(model, fold_constants).after.graph().value_info_size(), 0);
}

}  // namespace
}  // namespace quantize::test
