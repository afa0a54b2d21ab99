#include "optimize/equalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optimize/equalize_fixture.h"

namespace quantize::test {
namespace {

constexpr const char* chain = R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[4] b, float[2,4,3,3] v> {
  a = Conv (x, w, b)
  r = Relu (a)
  y = Conv <pads = [1,1,1,1]> (r, v)
})";

Model spread_chain() {
  Model model = text_model(chain);
  spread_channels(model, "w", 0);
  return model;
}

TEST(Equalize, BringsChannelsToOneRange) {
  const auto result = equalize_model(spread_chain(), "r");
  EXPECT_EQ(result.channels, 3);  // the largest channel keeps the factor 1
  EXPECT_LT(result.worst_before, 0.1);
  EXPECT_GT(result.worst_after, 0.9);
}

// What is quiet in the few samples seen may be louder in others.
TEST(Equalize, NoChannelIsMadeMoreThan32TimesLouder) {
  Model model = text_model(chain);
  spread_channels(model, "w", 0, 20);
  const auto result = equalize_model(model, "r");
  EXPECT_LT(result.worst_before, 1.0 / 1000);
  EXPECT_NEAR(result.worst_after, 32 * result.worst_before, 1e-3 * result.worst_after);
}

TEST(Equalize, StrengthZeroChangesNothing) {
  const Model model = spread_chain();
  const auto result = equalize_model(model, "r", 0);
  EXPECT_EQ(result.channels, 0);
  EXPECT_EQ(serialize(result.after.proto), serialize(model.proto));
}

TEST(Equalize, HalfStrengthGoesHalfTheWay) {
  const auto result = equalize_model(spread_chain(), "r", 0.5);
  EXPECT_NEAR(result.worst_after, std::sqrt(result.worst_before), 0.2 * result.worst_after);
}

TEST(Equalize, ResidualAddsAreScaledTogether) {
  Model model =
      text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[4,4,3,3] v, float[4] b, float[2,4,1,1] u> {
    a = Conv (x, w)
    r = Relu (a)
    c = Conv <pads = [1,1,1,1]> (r, v, b)
    d = Add (c, r)
    e = Relu (d)
    y = Conv (e, u)
  })");
  spread_channels(model, "w", 0);
  EXPECT_GT(equalize_model(model, "r").channels, 0);
}

TEST(Equalize, ConcatPoolsAndResizeKeepTheirChannels) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,3,1,1] v, float[2,6,1,1] u, float[4] s = {1,1,2,2}> {
    a = Conv (x, w)
    r = LeakyRelu (a)
    b = Conv (x, v)
    c = Concat <axis = 1> (b, r)
    p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (c)
    z = Resize <mode = "linear"> (p, , s)
    y = Conv (z, u)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_GT(result.channels, 2);
  EXPECT_GT(result.worst_after, result.worst_before);
}

TEST(Equalize, DepthwiseAndGroupedConvTranspose) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,16,16] y) <float[4,3,1,1] w, float[4,1,3,3] d, float[4] b, float[4,3,2,2] t, float[2,6,1,1] u> {
    a = Conv (x, w)
    r = Relu (a)
    c = Conv <group = 4, pads = [1,1,1,1]> (r, d, b)
    e = ConvTranspose <group = 2, strides = [2,2]> (c, t)
    y = Conv (e, u)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_GT(result.channels, 5);
  EXPECT_GT(result.worst_after, 0.9);
}

// The channel that does not reach the bound is brought up, with room for what is louder in other pictures than in those seen: there the
// Clip must not cut what it does not cut in FP32.
TEST(Equalize, ClipFromZeroKeepsItsBound) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,3,3] v, float l = {0}, float h = {6}> {
    a = Conv (x, w)
    r = Clip (a, l, h)
    y = Conv <pads = [1,1,1,1]> (r, v)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_EQ(observe_all(model, {"r"}).at("r").max, 6);
  EXPECT_EQ(result.channels, 1);  // the other three reach the bound
  EXPECT_GT(result.worst_before, 0);
  EXPECT_EQ(result.worst_after, 1);
  EXPECT_NEAR(equalize_model(model, "r", 1, 1.5).worst_after, 1 / 1.5, 1e-3);
  EXPECT_EQ(equalize_model(model, "r", 1, std::numeric_limits<double>::infinity()).channels, 0);
}

TEST(Equalize, PReluWithASlopePerChannel) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[4,1,1] k, float[2,4,1,1] v> {
    a = Conv (x, w)
    r = PRelu (a, k)
    y = Conv (r, v)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_EQ(result.channels, 3);
  EXPECT_GT(result.worst_after, 0.75);  // the factors bring "a" to one range; "r" differs by the slopes
}

TEST(Equalize, InstanceNormalizationTakesAnyScalingBack) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
    <float[4,3,3,3] w, float[4] b, float[4] g1 = {1,2,3,4}, float[4] h = {0.1,0.2,0.3,0.4}, float[2,4,1,1] v> {
    r = Conv <pads = [1,1,1,1]> (x, w, b)
    n = InstanceNormalization (r, g1, h)
    l = LeakyRelu (n)
    y = Conv (l, v)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_GE(result.channels, 2);
  EXPECT_LT(result.worst_before, 0.2);
  EXPECT_GT(result.worst_after, 0.9);
  EXPECT_EQ(float_values(initializer_of(result.after, "v")), float_values(initializer_of(model, "v"))) << "nothing of it is seen behind";
}

// Six channels in two groups, so that a channel lands where no other permutation of equal size would put it.
TEST(Equalize, ChannelShuffleIsFollowed) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
      <float[6,3,1,1] w, float[6,1,3,3] d, float[2,6,1,1] v, int64[5] s = {1,2,3,8,8}, int64[4] t = {1,6,8,8}> {
    a = Conv (x, w)
    r = Relu (a)
    b = Reshape (r, s)
    c = Transpose <perm = [0,2,1,3,4]> (b)
    e = Reshape (c, t)
    f = Conv <group = 6, pads = [1,1,1,1]> (e, d)
    y = Conv (f, v)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_GT(result.channels, 4);
  EXPECT_GT(result.worst_after, 4 * result.worst_before);
}

TEST(Equalize, SplitOfChannelsIsFollowed) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[3,3,1,1] u, float[2,4,1,1] v, int64[2] n = {1,3}> {
    a = Conv (x, w)
    r = Relu (a)
    b, c = Split <axis = 1> (r, n)
    d = Conv (c, u)
    e = Concat <axis = 1> (b, d)
    y = Conv (e, v)
  })");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r");
  EXPECT_GT(result.channels, 2);
  EXPECT_GT(result.worst_after, 0.7);  // a channel's factor is the one of its widest tensor, before or behind the Split
}

}  // namespace
}  // namespace quantize::test
