// Factors and summands per channel behind sums and Concats: fold_factors_behind and fold_summands_behind.
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

// What two branches a and b, made of x by convolutions, become. Of the factors, `s` is even, `uneven` is not.
Model branches(const std::string& nodes, const std::string& constants = "", const std::string& shape = "1,3,8,8") {
  Model model = text_model(
      "g (float[" + shape +
      "] x) => (float y) <float[4,3,1,1] w, float[4] c, float[4,3,3,3] v, float[4,4,1,1] u, "
      "float[4,1,1] s, float[4,1,1] uneven, float[4,1,1] tenfold, float[4,1,1] negative, float[8,1,1] s8, float[4,1,1] k, float[4] slope" +
      constants + "> { a = Conv (x, w, c)  b = Conv <pads = [1,1,1,1]> (x, v) " + nodes + "}");
  const auto put = [&](const char* name, const std::vector<float>& values) {
    put_initializer(model.graph(), make_tensor(name, {std::ssize(values), 1, 1}, values));
  };
  put("s", {0.5F, 2, 1.25F, 0.75F});
  put("uneven", {0.01F, 2, 1, 1});
  put("tenfold", {0.2F, 2, 1, 1});
  put("negative", {1, -1, 1, 1});
  put("s8", {0.5F, 2, 1.25F, 0.75F, 1, 3, 0.25F, 0.5F});
  return model;
}

PassResult without_factors(const std::string& nodes, const std::string& constants = "", const std::string& shape = "1,3,8,8") {
  return run_pass_on(branches(nodes, constants, shape), fold_factors_behind);
}

PassResult without_summands(const std::string& nodes, const std::string& constants = "", const std::string& shape = "1,3,8,8") {
  return run_pass_on(branches(nodes, constants, shape), fold_summands_behind);
}

// The branch b in the size of the branch a, as exporters write it where sizes are free.
const std::string resized_to_a =
    "sizes_a = Shape <start = 2> (a)  counts_b = Shape <end = 2> (b)  to = Concat <axis = 0> (counts_b, sizes_a)  "
    "f = Resize <mode = \"linear\"> (b, , , to)  ";

TEST(FoldFactorsBehind, AFactorBehindASumGoesIntoBothBranches) {
  const auto result = without_factors("d = Add (a, b)  y = Mul (d, s)  z = Conv (y, u)");
  EXPECT_EQ(result.detail, "") << "it is the model's output";
  const auto inner = without_factors("d = Add (a, b)  m = Mul (s, d)  r = Relu (m)  y = Conv (r, u)");
  EXPECT_EQ(operators(inner.after), "Conv Conv Add Relu Conv");
  EXPECT_EQ(inner.detail, "1 factor");
}

TEST(FoldFactorsBehind, BatchAndSizesMayBeFree) {
  EXPECT_EQ(without_factors("d = Add (a, b)  m = Mul (d, s)  y = Conv (m, u)", "", "N,3,H,W").detail, "1 factor");
  EXPECT_EQ(without_factors("d = Add (a, b)  m = Mul (d, s)  y = Conv (m, u)", "", "N,3,8,8").detail, "1 factor");
  const auto result = without_factors(resized_to_a + "d = Add (a, f)  m = Mul (d, s)  y = Conv (m, u)", "", "N,3,H,W");
  EXPECT_EQ(result.detail, "1 factor") << "who reads the shape alone does not see factors";
}

TEST(FoldFactorsBehind, ASumMayRepeatOneOfTheTwo) {
  const auto result = without_factors("p = GlobalAveragePool (b)  d = Add (p, a)  m = Mul (d, s)  y = Conv (m, u)");
  EXPECT_EQ(operators(result.after), "Conv Conv GlobalAveragePool Add Conv");
  EXPECT_EQ(without_factors("p = ReduceMean <axes = [1]> (b)  d = Add (a, p)  m = Mul (d, s)  y = Conv (m, u)").detail, "")
      << "one channel for all of them";
  EXPECT_EQ(without_factors("p = ReduceMean <axes = [2], keepdims = 0> (b)  d = Add (a, p)  m = Mul (d, s)  y = Conv (m, u)", "", "1,3,4,8")
                .detail,
            "")
      << "its channels are added to rows";
}

TEST(FoldFactorsBehind, EachPartOfAConcatTakesItsOwn) {
  const auto result =
      without_factors("p = PRelu (b, k)  d = Concat <axis = -3> (a, p)  m = Mul (d, s8)  y = Conv (m, z)", ", float[2,8,1,1] z");
  EXPECT_EQ(operators(result.after), "Conv Conv PRelu Concat Conv");
}

TEST(FoldFactorsBehind, OtherReadersTakeTheReverse) {
  const auto result = without_factors(
      "p = PRelu (a, k)  q = Conv (p, u)  d = Add (p, q)  m = Mul (d, s)  r = Relu (m)  "
      "e = AveragePool <kernel_shape = [2,2]> (p)  f = Conv (e, u)  g = Conv (r, t)  y = Concat <axis = 2> (f, g)",
      ", float[4,4,1,2] t");
  EXPECT_EQ(operators(result.after), "Conv PRelu Conv Add Relu AveragePool Conv Conv Concat");
}

TEST(FoldFactorsBehind, AChainOfResidualBlocks) {
  const auto result = without_factors(
      "p = PRelu (a, k)  c1 = Conv (p, u)  d1 = Add (p, c1)  m1 = Mul (d1, s)  n1 = Add (m1, k)  "
      "p1 = PRelu (n1, k)  c2 = Conv (p1, u)  d2 = Add (p1, c2)  m2 = Mul (d2, s)  y = Conv (m2, u)");
  EXPECT_EQ(operators(result.after), "Conv PRelu Conv Add Add PRelu Conv Add Conv");
  EXPECT_EQ(result.detail, "2 factors");
  const auto steep = without_factors(
      "p = PRelu (a, k)  c1 = Conv (p, u)  d1 = Add (p, c1)  m1 = Mul (d1, tenfold)  p1 = PRelu (m1, k)  "
      "c2 = Conv (p1, u)  d2 = Add (p1, c2)  m2 = Mul (d2, tenfold)  y = Conv (m2, u)");
  EXPECT_EQ(steep.detail, "1 factor") << "both together would scale the channels of p, which c1 reads too, a hundredfold apart";
}

TEST(FoldFactorsBehind, LargeTiedWeightsAreNotCopied) {
  const std::string constants = ", float[32,4,3,3] large, float[32,1,1] factorvar, float[4,32,1,1] last";
  EXPECT_EQ(
      without_factors("e = Conv (a, large)  f = Conv (b, large)  d = Add (e, f)  m = Mul (d, factorvar)  y = Conv (m, last)", constants)
          .detail,
      "");
  EXPECT_EQ(without_factors("d = Add (a, b)  m = Mul (d, s)  e = Conv (a, large)  f = Conv (m, large)  y = Add (e, f)", constants).detail,
            "")
      << "e would need the reverse";
  EXPECT_EQ(without_factors("e = Conv (a, u)  f = Conv (b, u)  d = Add (e, f)  m = Mul (d, s)  y = Conv (m, u)").detail, "1 factor");
}

TEST(FoldFactorsBehind, KeepsWhatCannotGo) {
  for (const char* nodes :
       {"d = Add (a, b)  m = Mul (d, negative)  y = Conv (m, u)", "d = Add (a, x4)  m = Mul (d, s)  y = Conv (m, u)",
        "h = Sigmoid (b)  d = Add (a, h)  m = Mul (d, s)  y = Conv (m, u)", "d = Add (a, a)  m = Mul (d, s)  y = Conv (m, u)",
        "d = Add (a, b)  m = Mul (d, s)  e = Sigmoid (a)  f = Add (e, m)  y = Conv (f, u)"}) {
    EXPECT_EQ(without_factors(nodes, ", float[1,4,8,8] x4").detail, "") << nodes;
  }
  EXPECT_EQ(without_factors("d = Add (a, b)  m = Mul (d, uneven)  y = Conv (m, u)").detail, "1 factor") << "nobody else reads a and b";
  EXPECT_EQ(without_factors("d = Add (a, b)  m = Mul (d, uneven)  e = Conv (a, u)  f = Conv (m, u)  y = Add (e, f)").detail, "")
      << "rounding a with one step for all channels would cost what is multiplied by 100 afterwards";
}

TEST(FoldSummandsBehind, OneBranchOfASumTakesThem) {
  const auto result = without_summands("d = Add (a, b)  m = Add (d, k)  r = Relu (m)  y = Conv (r, u)");
  EXPECT_EQ(operators(result.after), "Conv Conv Add Relu Conv");
  EXPECT_EQ(result.detail, "1 summand");
}

TEST(FoldSummandsBehind, BatchAndSizesMayBeFree) {
  EXPECT_EQ(without_summands("d = Add (a, b)  m = Add (d, k)  y = Conv (m, u)", "", "N,3,H,W").detail, "1 summand");
  const auto result = without_summands(resized_to_a + "h = Relu (f)  d = Add (h, a)  m = Add (d, k)  y = Conv (m, u)", "", "N,3,H,W");
  EXPECT_EQ(result.detail, "1 summand") << "who reads the shape alone does not see summands";
}

TEST(FoldSummandsBehind, ASumMayRepeatOneOfTheTwo) {
  const auto into_repeated = without_summands("e = Relu (a)  p = GlobalAveragePool (b)  d = Add (e, p)  m = Add (d, k)  y = Conv (m, u)");
  EXPECT_EQ(operators(into_repeated.after), "Conv Conv Relu GlobalAveragePool Add Conv");
  const auto into_other =
      without_summands("p = GlobalAveragePool (b)  e = Sigmoid (p)  d = Add (a, e)  m = Add (d, k)  y = Conv (m, u)", "", "N,3,H,W");
  EXPECT_EQ(operators(into_other.after), "Conv Conv GlobalAveragePool Sigmoid Add Conv");
  const auto beside_one_channel = without_summands("p = ReduceMean <axes = [1]> (b)  d = Add (a, p)  m = Add (d, k)  y = Conv (m, u)");
  EXPECT_EQ(operators(beside_one_channel.after), "Conv Conv ReduceMean Add Conv");
  EXPECT_EQ(
      without_summands("h = Sigmoid (b)  p = ReduceMean <axes = [2], keepdims = 0> (a)  d = Add (h, p)  m = Add (d, k)  y = Conv (m, u)",
                       "", "1,3,4,8")
          .detail,
      "")
      << "its channels are added to rows";
}

TEST(FoldSummandsBehind, ThroughConcatAndResize) {
  const auto result = without_summands(
      "f = Resize <mode = \"linear\"> (b, , sizes)  g = AveragePool <kernel_shape = [1,1]> (a)  "
      "h = Resize <mode = \"nearest\"> (g, , sizes)  d = Concat <axis = 1> (f, h)  m = Add (s8, d)  "
      "y = Conv (m, z)",
      ", float[4] sizes = {1,1,2,2}, float[2,8,1,1] z");
  EXPECT_EQ(operators(result.after), "Conv Conv Resize AveragePool Resize Concat Conv");
}

TEST(FoldSummandsBehind, KeepsWhatOthersReadOrTreatOtherwise) {
  for (const char* nodes : {"e = Relu (a)  f = Relu (b)  d = Add (e, f)  m = Add (d, k)  y = Conv (m, u)",
                            "d = Add (a, b)  m = Add (d, k)  e = Conv (d, u)  f = Conv (m, u)  y = Add (e, f)",
                            "d = AveragePool <kernel_shape = [2,2], pads = [1,1,1,1]> (a)  m = Add (d, k)  y = Conv (m, u)"}) {
    EXPECT_EQ(without_summands(nodes).detail, "") << nodes;
  }
}

}  // namespace
}  // namespace quantize::test
