#include "optimize/equalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "encode/plan_fixture.h"
#include "model/edit.h"

namespace quantize::test {
namespace {

// Channel c of the named weight made base^c times as large, so that there is something to equalize.
void spread_channels(Model& model, const std::string& weight, int axis, double base = 2.5) {
  const auto tensor = initializer_of(model, weight);
  const Shape shape = shape_of(tensor);
  auto values = float_values(tensor);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= static_cast<float>(std::pow(base, slice_of(i, shape, axis) % 4));
  put_initializer(model.graph(), make_tensor(weight, shape, values));
}

struct Equalized {
  int channels = 0;
  double worst_before = 0, worst_after = 0;  // smallest ratio of a channel's range to its tensor's, of tensor "r"
  Model after;
};

double worst_ratio(const Model& model, const std::string& tensor) {
  const auto statistics = observe_all(model, {tensor});
  const auto& seen = statistics.at(tensor);
  const auto reach = [](const auto& s) { return std::max(std::fabs(s.min), std::fabs(s.max)); };
  double worst = 1;
  for (const auto& channel : seen.channels) worst = std::min<double>(worst, reach(channel) / reach(seen));
  return worst;
}

Equalized equalize_model(const Model& model, const std::string& tensor, double strength = 1, double room_below_clips = 1) {
  const auto placement = place(model, find_target("ort-cpu"));
  Equalized result{0, worst_ratio(model, tensor), 0, model};
  result.channels = equalize(result.after, placement, observe_all(model, placement.observed()), strength, room_below_clips);
  EXPECT_NO_THROW(check_model(result.after.proto, "equalized"));
  expect_same_function(model.proto, result.after.proto, 1e-4);
  result.worst_after = worst_ratio(result.after, tensor);
  return result;
}

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

// Nobody says how many channels t has: what lies behind it in the first Concat must not be taken for something else in the second.
TEST(Equalize, AConcatWithATensorOfUnknownChannelsIsLeftAlone) {
  Model model = text_model(
      R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y, float[1,2,8,8] z)
      <float[2,3,1,1] w, float[2,3,1,1] v, float[2,3,1,1] u, float[2,4,1,1] p, float[2,4,1,1] q> {
    a = Conv (x, w)
    t = Sigmoid (a)
    b = Conv (x, v)
    c = Conv (x, u)
    first = Concat <axis = 1> (t, b)
    second = Concat <axis = 1> (t, c)
    y = Conv (first, p)
    z = Conv (second, q)
  })");
  spread_channels(model, "v", 0);
  spread_channels(model, "u", 0);
  EXPECT_EQ(equalize_model(model, "b").channels, 0);
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

struct FrozenCase {
  const char* name;
  const char* graph;
};

const FrozenCase frozen[] = {
    {"Sigmoid", R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,1,1] v> {
      a = Conv (x, w)
      r = Sigmoid (a)
      y = Conv (r, v)
    })"},
    {"ClipOnBothSidesOfZero",
     R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,1,1] v, float l = {-1}, float h = {6}> {
      a = Conv (x, w)
      r = Clip (a, l, h)
      y = Conv (r, v)
    })"},
    {"ReshapeThatIsNoShuffle",
     R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,1,1] v, int64[4] s = {1,4,4,16}, int64[4] t = {1,4,8,8}> {
      r = Conv (x, w)
      a = Reshape (r, s)
      b = Reshape (a, t)
      y = Conv (b, v)
    })"},
    {"PReluWithAComputedSlope",
     R"(g (float[1,3,8,8] x, float[4,1,1] k) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,1,1] v> {
      a = Conv (x, w)
      r = PRelu (a, k)
      y = Conv (r, v)
    })"},
    {"GraphOutput", R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y, float[1,4,8,8] r) <float[4,3,1,1] w, float[2,4,1,1] v> {
      a = Conv (x, w)
      r = Relu (a)
      y = Conv (r, v)
    })"},
    {"AddOfAConstant", R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[4,1,1] k, float[2,4,1,1] v> {
      a = Conv (x, w)
      r = Add (a, k)
      y = Conv (r, v)
    })"},
    {"SharedWeight", R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w> {
      a = Conv (x, w)
      r = Relu (a)
      y = Conv (r, w)
    })"},
};

TEST(Equalize, WhatMeetsAnotherOperatorIsLeftAlone) {
  for (const auto& one : frozen) {
    Model model = text_model(one.graph);
    spread_channels(model, "w", 0);
    const auto result = equalize_model(model, "r");
    EXPECT_EQ(result.channels, 0) << one.name;
    EXPECT_EQ(run_model(result.after.proto, random_inputs(model.proto))[0].bytes,
              run_model(model.proto, random_inputs(model.proto))[0].bytes)
        << one.name;
  }
}

}  // namespace
}  // namespace quantize::test
