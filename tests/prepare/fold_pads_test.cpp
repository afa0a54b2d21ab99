#include "model/attribute.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

PassResult folded(const std::string& nodes, const std::string& constants = "") {
  return run_pass_on(
      "g (float[1,2,7,6] x) => (float y) <float[4,2,3,3] w, float[4,2,1,1] v, float zero = {0}, float one = {1}, "
      "int64[8] p = {0,0,1,2,0,0,3,4}, int64[8] channels = {0,1,0,0,0,0,0,0}, int64[8] cut = {0,0,-1,0,0,0,0,0}" +
          constants + "> {" + nodes + "}",
      fold_pads);
}

TEST(FoldPads, ZerosBecomePaddingOfTheConvolution) {
  const auto result = folded("t = Pad (x, p)  y = Conv (t, w)");
  EXPECT_EQ(operators(result.after), "Conv");
  EXPECT_EQ(result.detail, "1 Pad");
  EXPECT_EQ(ints_attribute(result.after.graph().node(0), "pads"), (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(FoldPads, PaddingOfItsOwnIsAddedToIt) {
  const auto result = folded("t = Pad (x, p, zero)  y = Conv <pads = [1,1,1,1], strides = [2,2], dilations = [2,1]> (t, w)");
  EXPECT_EQ(ints_attribute(result.after.graph().node(0), "pads"), (std::vector<std::int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(operators(folded("t = Pad (x, p)  y = Conv <auto_pad = \"VALID\"> (t, w)").after), "Conv");
}

TEST(FoldPads, APointConvolutionSeesTheBorderToo) { EXPECT_EQ(operators(folded("t = Pad (x, p)  y = Conv (t, v)").after), "Conv"); }

TEST(FoldPads, OneBehindTheOther) {
  const auto result = folded("s = Pad (x, p)  t = Pad (s, p)  y = Conv (t, w)");
  EXPECT_EQ(operators(result.after), "Conv");
  EXPECT_EQ(result.detail, "2 Pads");
}

TEST(FoldPads, SeveralConvolutionsTakeIt) {
  EXPECT_EQ(operators(folded("t = Pad (x, p)  a = Conv (t, w)  b = Conv <pads = [0,0,0,0]> (t, w)  y = Add (a, b)").after),
            "Conv Conv Add");
}

TEST(FoldPads, KeepsWhatIsNoPaddingOfAConvolution) {
  for (const char* nodes :
       {"t = Pad (x, p, one)  y = Conv (t, w)", "t = Pad <mode = \"edge\"> (x, p)  y = Conv (t, w)", "t = Pad (x, cut)  y = Conv (t, w)",
        "t = Pad (x, p)  y = Relu (t)", "t = Pad (x, p)  y = Conv <auto_pad = \"SAME_UPPER\"> (t, w)"}) {
    EXPECT_EQ(folded(nodes).detail, "") << nodes;
  }
  EXPECT_EQ(folded("t = Pad (x, p)  a = Conv (t, v)  b = Relu (t)  c = Conv (b, v)  y = Add (a, c)").detail, "") << "another reader";
  EXPECT_EQ(folded("t = Pad (x, channels)  y = Conv (t, u)", ", float[4,3,1,1] u").detail, "");
}

}  // namespace
}  // namespace quantize::test
