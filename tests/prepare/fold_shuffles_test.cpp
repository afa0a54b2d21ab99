#include <array>

#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

// x -> Conv -> shuffled into `s`, then `nodes`.
PassResult folded(const std::string& nodes, const std::string& constants = "") {
  return run_pass_on(
      "g (float[1,6,8,8] x) => (float y) <float[6,3,1,1] w, float[6,1,3,3] d, float[6] b, float[6,1,1] k, float[4,6,1,1] v, "
      "float[6,4,2,2] u, int64[5] split = {1,2,3,8,8}, int64[4] joined = {1,6,8,8}" +
          constants + "> { a = Conv <group = 2> (x, w)  r = Reshape (a, split)  t = Transpose <perm = [0,2,1,3,4]> (r) " +
          "s = Reshape (t, joined) " + nodes + "}",
      fold_shuffles);
}

TEST(FoldShuffles, TheOrderGoesIntoTheConvolutionThatReadsAllChannels) {
  const auto result = folded("y = Conv (s, v)");
  EXPECT_EQ(operators(result.after), "Conv Conv");
  EXPECT_EQ(result.detail, "1 channel shuffle");
  EXPECT_EQ(operators(folded("y = ConvTranspose <strides = [2,2]> (s, u)").after), "Conv ConvTranspose");
}

TEST(FoldShuffles, PassesWhatTreatsEachChannelByItself) {
  const auto result = folded(
      "p = AveragePool <kernel_shape = [2,2]> (s)  c = Conv <group = 6, pads = [1,1,1,1]> (p, d, b)  "
      "q = PRelu (c, k)  m = Mul (k, q)  n = Add (m, k)  h = HardSwish (n)  y = Conv (h, v)");
  EXPECT_EQ(operators(result.after), "Conv AveragePool Conv PRelu Mul Add HardSwish Conv");
}

TEST(FoldShuffles, EveryPathHasToTakeIt) {
  EXPECT_EQ(operators(folded("c = Conv <group = 6> (s, d)  e = Conv (c, v)  f = Conv (s, z)  y = Add (e, f)", ", float[4,6,3,3] z").after),
            "Conv Conv Conv Conv Add");
  for (const char* nodes : {"y = Relu (s)", "c = Conv (s, v)  y = Concat <axis = 1> (c, s)", "y = Conv <group = 2> (s, w)",
                            "c = Add (s, x)  y = Conv (c, v)", "c = Softmax <axis = 1> (s)  y = Conv (c, v)"}) {
    EXPECT_EQ(folded(nodes).detail, "") << nodes;
  }
}

TEST(FoldShuffles, LargeTiedWeightIsNotCopied) {
  EXPECT_EQ(folded("c = Conv (s, large)  e = Conv (a, large)  y = Add (c, e)", ", float[200,6,1,1] large").detail, "");
  EXPECT_EQ(folded("c = Conv (s, v)  e = Conv (a, v)  y = Add (c, e)").detail, "1 channel shuffle") << "a small one is";
}

TEST(FoldShuffles, OneThatChangesTheShapeStays) {
  const auto result = run_pass_on(
      "g (float[1,6,8,10] x) => (float y) <int64[5] split = {1,2,3,10,8}, int64[4] joined = {1,6,10,8}, "
      "float[4,6,1,1] v> { r = Reshape (x, split)  t = Transpose <perm = [0,2,1,3,4]> (r)  "
      "s = Reshape (t, joined)  y = Conv (s, v) }",
      fold_shuffles);
  EXPECT_EQ(result.detail, "");
}

// Of x, whose dimensions may be free, with constant shapes. Free ones are 2 where the models are run.
PassResult folded_with_shapes(const std::string& x, const std::string& split, const std::string& joined) {
  return run_pass_on("g (float[" + x + "] x) => (float y) <int64[5] split = {" + split + "}, int64[4] joined = {" + joined +
                         "}, float[4,6,1,1] v> { a = Relu (x)  r = Reshape (a, split)  t = Transpose <perm = [0,2,1,3,4]> (r)  "
                         "s = Reshape (t, joined)  y = Conv (s, v) }",
                     fold_shuffles);
}

TEST(FoldShuffles, OneDimensionMayBeFree) {
  for (const auto& [x, split, joined] : std::vector<std::array<std::string, 3>>{{"N,6,8,4", "-1,2,3,8,4", "-1,6,8,4"},
                                                                                {"N,6,8,4", "0,2,3,8,4", "0,6,8,4"},
                                                                                {"N,6,8,4", "0,2,3,8,4", "-1,6,8,4"},
                                                                                {"N,6,8,4", "0,2,3,8,4", "0,-1,8,4"},
                                                                                {"1,6,H,4", "1,2,3,-1,4", "1,6,-1,4"},
                                                                                {"N,6,8,W", "0,2,3,8,-1", "0,6,8,-1"}}) {
    EXPECT_EQ(operators(folded_with_shapes(x, split, joined).after), "Relu Conv") << x << " to " << split << " to " << joined;
  }
}

TEST(FoldShuffles, ThoseThatMayChangeTheShapeStay) {
  for (const auto& [x, split, joined] : std::vector<std::array<std::string, 3>>{{"N,6,8,W", "-1,2,3,4,4", "-1,6,4,4"},
                                                                                {"N,6,8,W", "-1,2,3,8,2", "-1,6,8,2"},
                                                                                {"N,6,8,W", "0,2,3,8,-1", "-1,6,8,2"},
                                                                                {"N,6,8,4", "-1,2,3,4,4", "-1,6,4,4"}}) {
    EXPECT_EQ(operators(folded_with_shapes(x, split, joined).after), "Relu Reshape Transpose Reshape Conv")
        << x << " to " << split << " to " << joined;
  }
}

// As exporters write a batch that is free: read from the tensor's shape, put before the sizes.
TEST(FoldShuffles, TheBatchMayBeComputed) {
  const auto result = run_pass_on(
      "g (float[N,6,8,4] x) => (float y) <int64 first = {0}, int64[1] axis = {0}, int64[4] split = {2,3,8,4}, int64[3] joined = {6,8,4}, "
      "float[6,1,3,3] d, float[4,6,1,1] v> { a = Relu (x)  sa = Shape (a)  na = Gather (sa, first)  ba = Unsqueeze (na, axis)  "
      "to = Concat <axis = 0> (ba, split)  r = Reshape (a, to)  t = Transpose <perm = [0,2,1,3,4]> (r)  back = Concat <axis = 0> (ba, "
      "joined)  "
      "s = Reshape (t, back)  c = Conv <group = 6, pads = [1,1,1,1]> (s, d)  sc = Shape (c)  nc = Gather (sc, axis)  "
      "to2 = Concat <axis = 0> (nc, split)  r2 = Reshape (c, to2)  t2 = Transpose <perm = [0,2,1,3,4]> (r2)  "
      "back2 = Concat <axis = 0> (nc, joined)  s2 = Reshape (t2, back2)  y = Conv (s2, v) }",
      fold_shuffles);
  EXPECT_EQ(operators(result.after), "Relu Conv Conv");
  EXPECT_EQ(result.detail, "2 channel shuffles");
}

TEST(FoldShuffles, TwoOfThemOneBehindTheOther) {
  const auto result = folded(
      "c = Conv <group = 6> (s, d)  r2 = Reshape (c, split2)  t2 = Transpose <perm = [0,2,1,3,4]> (r2)  "
      "s2 = Reshape (t2, joined2)  y = Conv (s2, v)",
      ", int64[5] split2 = {1,3,2,6,6}, int64[4] joined2 = {1,6,6,6}");
  EXPECT_EQ(operators(result.after), "Conv Conv Conv");
  EXPECT_EQ(result.detail, "2 channel shuffles");
}

}  // namespace
}  // namespace quantize::test
