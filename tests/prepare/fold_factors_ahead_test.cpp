#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

PassResult folded(const std::string& nodes) {
  return run_pass_on(
      "g (float[1,3,6,6] x) => (float y) <float[4,3,1,1] w, float[4] c, float[4,3,3,3] v, float a = {0.7}, float[1] b = {-0.3}, "
      "float[400,3,1,1] large, "
      "float zero = {0}> {" +
          nodes + "}",
      fold_factors_ahead);
}

TEST(FoldFactorsAhead, AnAffineMapGoesIntoWeightAndBias) {
  for (const char* nodes : {"t = Mul (x, a)  u = Add (t, b)  y = Conv (u, w, c)", "t = Div (x, a)  u = Sub (t, b)  y = Conv (u, w)",
                            "t = Add (b, x)  u = Mul (a, t)  y = Conv (u, v, c)"}) {
    const auto result = folded(nodes);
    EXPECT_EQ(operators(result.after), "Conv") << nodes;
    EXPECT_EQ(result.detail, "2 maps");
  }
}

TEST(FoldFactorsAhead, PaddedZerosAreNotShifted) {
  EXPECT_EQ(operators(folded("t = Mul (x, a)  u = Add (t, b)  y = Conv <pads = [1,1,1,1]> (u, v, c)").after), "Add Conv");
  EXPECT_EQ(operators(folded("t = Mul (x, a)  y = Conv <pads = [1,1,1,1]> (t, v)").after), "Conv");
  EXPECT_EQ(folded("t = Add (x, b)  y = Conv <pads = [1,1,1,1]> (t, v)").detail, "");
}

TEST(FoldFactorsAhead, KeepsWhatOthersRead) {
  EXPECT_EQ(folded("t = Mul (x, a)  s = Conv (t, w)  r = Conv (t, w, c)  y = Add (s, r)").detail, "");
  EXPECT_EQ(folded("t = Mul (x, zero)  y = Conv (t, w)").detail, "") << "nothing would be left of the weights";
  EXPECT_EQ(folded("t = Sub (a, x)  y = Conv (t, w)").detail, "");
  const auto result = folded("t = Mul (x, a)  u = Add (t, b)  s = Conv <pads = [1,1,1,1]> (u, v)  r = Conv (t, w)  y = Add (s, r)");
  EXPECT_EQ(result.detail, "") << "the factor has another reader";
}

TEST(FoldFactorsAhead, LargeTiedWeightIsNotCopied) {
  EXPECT_EQ(folded("t = Mul (x, a)  s = Conv (t, large)  r = Conv (x, large)  y = Add (s, r)").detail, "");
  const auto shifted = folded("t = Add (x, b)  s = Conv (t, large)  r = Conv (x, large)  y = Add (s, r)");
  EXPECT_EQ(shifted.detail, "1 map") << "only the bias changes";
  EXPECT_EQ(node_of(shifted.after, "s").input(1), "large");
}

}  // namespace
}  // namespace quantize::test
