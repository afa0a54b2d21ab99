#include "encode/group_tensors.h"

#include <gtest/gtest.h>

#include "placement_fixture.h"

namespace quantize::test {
namespace {

TEST(GroupTensors, MovedValuesShareTheEncodingOfTheirSource) {
  const auto placement = place_text(R"(g (float[1,2,8,8] x) => (float[1,3] y) <float[2,2,1,1] w, float[32,3] v, int64[2] s = {1, 32}> {
    a = Conv (x, w)
    p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (a)
    r = Reshape (p, s)
    y = Gemm (r, v)
  })");
  EXPECT_EQ(groups_of(placement), "x | a p r");
  EXPECT_EQ(group_with(placement, "r").sources, std::vector<std::string>{"a"});
}

TEST(GroupTensors, ConcatInputsThatNothingElseReadsShareItsEncoding) {
  const auto placement = place_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,6,1,1] u> {
    a = Conv (x, w)
    b = Conv (a, v)
    c = Concat <axis = 1> (a, b)
    d = Conv (x, v)
    e = Concat <axis = 1> (c, d)
    y = Conv (e, u)
  })");
  EXPECT_EQ(groups_of(placement), "x | a | b c d e");
  EXPECT_EQ(group_with(placement, "e").sources, std::vector<std::string>{"e"});  // which holds the values of all
  EXPECT_EQ(group_with(placement, "e").range, std::nullopt);
}

TEST(GroupTensors, JoinedTensorsKeepTheBoundsAndReadersTheyHaveInCommon) {
  constexpr const char* text =
      R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,4,1,1] u, float l = {0}, float h = {6},
           float k = {3}, float j = {4}> {
    a = Conv (x, w)
    b = Clip (a, l, h)
    c = Conv (x, v)
    d = Clip (c, l, h)
    e = Concat <axis = 1> (b, d)
    f = Clip (e, l, k)
    g = Clip (e, l, j)
    i = Add (f, g)
    y = Conv (i, u)
  })";
  const auto placement = place_text(text);
  EXPECT_EQ(groups_of(placement), "x | b d e | f | g | i");
  EXPECT_EQ(group_with(placement, "e").range, (std::pair{0.0F, 6.0F}));
  EXPECT_EQ(group_with(placement, "e").distinct, (std::pair{0.0F, 4.0F}));  // by the Clips behind the Concat
  EXPECT_EQ(group_with(placement, "e").name(), "e");
  EXPECT_EQ(group_with(place(text_model(text), find_target("qnn")), "e").distinct, (std::pair{0.0F, 4.0F}));
}

// Its encoding would no longer saturate where the Relu does: the Relu would stay, and its convolution run in float.
TEST(GroupTensors, ReluedConcatInputsShareOnlyAmongTheirLike) {
  constexpr const char* text = R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,4,1,1] u> {
    a = Conv (x, w)
    b = Relu (a)
    c = Conv (x, v)
    d = KIND (c)
    e = Concat <axis = 1> (b, d)
    y = Conv (e, u)
  })";
  const auto with = [&](const std::string& kind) {
    std::string made = text;
    return groups_of(place_text(made.replace(made.find("KIND"), 4, kind).c_str()));
  };
  EXPECT_EQ(with("Relu"), "x | b d e");
  EXPECT_EQ(with("Sigmoid"), "x | b | c | d e");
}

TEST(GroupTensors, AConcatLeavesGraphInputsAndPReluOnIntegersTheirEncodings) {
  EXPECT_EQ(groups_of(place_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y)
                                     <float[2,2,1,1] w, float[2,2,1,1] v, float[2,1,1] s = {0.25, 0.5}, float[2,4,1,1] u> {
    a = Conv (x, w)
    b = PRelu (a, s)
    c = Concat <axis = 1> (x, b)
    y = Conv (c, u)
  })")),
            "x | a b | c");
}

// As DenseNets have them: asking each for its inputs' bounds twice would take two to the power of their number.
TEST(GroupTensors, ManyConcatsBehindEachOtherTakeNoTime) {
  constexpr int count = 60;
  std::string text = "g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2," + std::to_string(2 * (count + 1)) +
                     ",1,1] u> { c0 = Conv (x, w) ";
  for (int i = 1; i <= count; ++i) {
    const auto last = "c" + std::to_string(i - 1), fresh = "b" + std::to_string(i);
    text += fresh + " = Conv (x, w) c" + std::to_string(i) + " = Concat <axis = 1> (" + last + ", " + fresh + ") ";
  }
  const auto placement = place_text(text + "y = Conv (c" + std::to_string(count) + ", u) }");
  EXPECT_EQ(group_with(placement, "c0").sources, std::vector<std::string>{"c" + std::to_string(count)});
}

TEST(GroupTensors, WhereTheRuntimeWantsItAllConcatInputsShare) {
  constexpr const char* text = R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,4,1,1] u> {
    a = Conv (x, w)
    b = Conv (a, v)
    c = Concat <axis = 1> (a, b)
    y = Conv (c, u)
  })";
  Target sharing = find_target("ort-cpu");
  sharing.concat = ConcatSharing::all;
  const auto shared = place(text_model(text), sharing);
  EXPECT_EQ(groups_of(shared), "x | a b c");
  sharing.concat = ConcatSharing::none;
  EXPECT_EQ(groups_of(place(text_model(text), sharing)), "x | a | b | c");
}

// Each constant has an encoding of its own: two Concats that begin with the same one have nothing in common by that.
TEST(GroupTensors, ConcatsOfOneConstantDoNotShare) {
  const auto placement = place(text_model(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y)
      <float[2,2,1,1] w, float[1,2,6,6] k, float[2,4,1,1] v, float[2,4,1,1] u> {
    a = Conv (x, w)
    c = Concat <axis = 1> (k, a)
    d = Conv (c, v)
    e = Concat <axis = 1> (k, d)
    y = Conv (e, u)
  })"),
                               find_target("qnn"));
  EXPECT_EQ(groups_of(placement), "x | a c | d e | y");
}

}  // namespace
}  // namespace quantize::test
