// Which channels are left alone: those that meet something of which no one knows what it makes of them.
#include "optimize/channel_classes.h"

#include <gtest/gtest.h>

#include <string>

#include "optimize/equalize_fixture.h"

namespace quantize::test {
namespace {

// Nobody says how many channels t has: what lies behind it in the first Concat must not be taken for something else in the second.
TEST(ChannelClasses, AConcatWithATensorOfUnknownChannelsIsLeftAlone) {
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

// The sum has as many channels as the wider tensor, whichever stands first; what lies behind it is scaled as ever.
TEST(ChannelClasses, AnAddThatBroadcastsOneChannelIsLeftAlone) {
  for (const std::string sum : {"Add (a, b)", "Add (b, a)"}) {
    Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y, float[1,2,8,8] z)
      <float[1,3,1,1] w, float[4,3,1,1] u, float[4,1,3,3] d, float[4] e, float[4,3,1,1] m, float[2,4,1,1] v, float[2,8,1,1] q> {
      a = Conv (x, w)
      b = Conv (x, u)
      s = )" + sum + R"(
      c = Conv <group = 4, pads = [1,1,1,1]> (s, d, e)
      r = Relu (c)
      y = Conv (r, v)
      k = Conv (x, m)
      t = Relu (k)
      g = Concat <axis = 1> (s, t)
      z = Conv (g, q)
    })");
    spread_channels(model, "d", 0);
    spread_channels(model, "m", 0);
    EXPECT_EQ(equalize_model(model, "r").channels, 6) << sum;
  }
}

// What gates take from a channel is a share of it, whatever its scale; the gate itself keeps its values.
TEST(ChannelClasses, AGateLetsScalingThrough) {
  for (const std::string product : {"Mul (r, g)", "Mul (g, r)"}) {
    Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
      <float[4,3,1,1] w, float[4,4,1,1] e, float[2,4,1,1] v> {
      a = Conv (x, w)
      r = Relu (a)
      p = GlobalAveragePool (r)
      k = Conv (p, e)
      g = Sigmoid (k)
      m = )" + product + R"(
      y = Conv (m, v)
    })");
    spread_channels(model, "w", 0);
    const auto result = equalize_model(model, "r");
    EXPECT_GE(result.channels, 2) << product;
    EXPECT_LT(result.worst_before, 0.3) << product;
    EXPECT_GT(result.worst_after, 0.75) << product
                                        << ": the product's channels lie less far apart than the factor's, and must not outgrow it";
  }
}

// Of a tensor with fewer axes, channels lie along another axis of the sum.
TEST(ChannelClasses, AnAddOfTensorsWithDifferentAxesIsLeftAlone) {
  Model model =
      text_model(R"(g (float[1,3,4,8] x, float[1,3,8] z) => (float[1,2,4,8] y) <float[4,3,1,1] w, float[4,3,1] u, float[2,4,1,1] v> {
    a = Conv (x, w)
    b = Conv (z, u)
    r = Add (a, b)
    y = Conv (r, v)
  })");
  spread_channels(model, "w", 0);
  EXPECT_EQ(equalize_model(model, "r").channels, 0);
}

// Sizes as frameworks write them for a height and width that are free.
constexpr const char* resized_to_the_input = R"(g (float[1,3,h,w] x) => (float[1,2,h,w] y)
    <float[4,3,1,1] w, float[2,4,1,1] v, int64[1] two = {2}, int64[1] four = {4}, int64[2] c = {1,4}> {
    a = Conv <strides = [2,2]> (x, w)
    s = Shape (x)
    d = Slice (s, two, four)
    t = Concat <axis = 0> (c, d)
    r = Resize <mode = "linear"> (a, , , t)
    y = Conv (r, v)
  })";

TEST(ChannelClasses, AResizeOfHeightAndWidthLetsScalingThrough) {
  const auto resized = [](const std::string& resize) {
    return "g (float[1,3,8,8] x) => (float[1,2,16,16] y) <float[4,3,1,1] w, float[2,4,1,1] v, float[4] s = {1,1,2,2}, float[2] f = {2,2}, "
           "int64[4] t = {1,4,16,16}> { a = Conv (x, w) r = Resize " +
           resize + " y = Conv (r, v) }";
  };
  for (const std::string& graph :
       {resized("(a, , s)"), resized("(a, , , t)"), resized("<axes = [2, 3]> (a, , f)"), std::string(resized_to_the_input)}) {
    Model model = text_model(graph, 18);
    spread_channels(model, "w", 0);
    const auto result = equalize_model(model, "r");
    EXPECT_EQ(result.channels, 3) << graph;
    EXPECT_GT(result.worst_after, 0.9) << graph;
  }
}

// An operator of the same name from elsewhere may do anything.
TEST(ChannelClasses, AnOperatorOfAnotherDomainIsLeftAlone) {
  const Model model = [] {
    Model spread = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,16,16] y)
      <float[4,3,1,1] w, float[4,3,1,1] u, float[2,8,1,1] v, float[4] s = {1,1,2,2}> {
      a = Conv (x, w)
      b = Conv (x, u)
      p = Relu (a)
      q = Add (p, b)
      c = Concat <axis = 1> (q, b)
      z = Resize (c, , s)
      y = Conv (z, v)
    })");
    for (const auto* weight : {"w", "u"}) spread_channels(spread, weight, 0);
    return spread;
  }();
  const auto statistics = observe_all(model, place(model, find_target("ort-cpu")).observed());
  const auto scaled = [&](const std::string& foreign) {
    Model changed = model;
    for (auto& node : *changed.graph().mutable_node()) {
      if (node.op_type() == foreign) node.set_domain("elsewhere");
    }
    return equalize(changed, statistics, 1);
  };
  EXPECT_GT(scaled(""), 3);
  for (const std::string foreign : {"Relu", "Add", "Concat", "Resize"}) EXPECT_EQ(scaled(foreign), 0) << foreign;
}

// However that came about: nothing is known of what lies between.
TEST(ChannelClasses, AConvolutionThatReadsAnotherNumberOfChannelsFreezesThem) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[5,4,1,1] k, float[2,5,1,1] v> {
    a = Conv (x, w)
    r = Relu (a)
    b = Conv (r, k)
    c = Relu (b)
    y = Conv (c, v)
  })");
  for (const auto* weight : {"w", "k"}) spread_channels(model, weight, 0);
  const auto statistics = observe_all(model, place(model, find_target("ort-cpu")).observed());
  put_initializer(model.graph(), make_tensor("k", {5, 8, 1, 1}, std::vector<float>(40, 1)));
  EXPECT_EQ(equalize(model, statistics, 1), 4) << "those of c";
}

// One channel for all of the gate's: the product has other channels than the factor that is no gate.
TEST(ChannelClasses, AGateThatWidensItsFactorIsLeftAlone) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
    <float[1,3,1,1] w, float[4,3,1,1] e, float[2,4,1,1] v> {
    a = Conv (x, w)
    k = Conv (x, e)
    g = Sigmoid (k)
    m = Mul (a, g)
    y = Conv (m, v)
  })");
  spread_channels(model, "e", 0);
  EXPECT_EQ(equalize_model(model, "m").channels, 0);
}

// Between a float convolution and a quantized one the channels are as free as between two quantized ones.
TEST(ChannelClasses, AFloatConvolutionCarriesFactorsToo) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[4,4,1,1] k, float[2,4,1,1] v> {
    a = Conv (x, w)
    r = Relu (a)
    b = Conv (r, k)
    c = Relu (b)
    y = Conv (c, v)
  })");
  model.graph().mutable_node(2)->set_name("middle");
  spread_channels(model, "w", 0);
  const auto result = equalize_model(model, "r", 1, 1, {{"middle"}, {}, {}});
  EXPECT_GE(result.channels, 3);
  EXPECT_GT(result.worst_after, 0.9);
}

// Scaled up, it would be further above the epsilon than it was: another function.
TEST(ChannelClasses, AChannelNearTheEpsilonOfItsNormalizationIsLeftAlone) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
    <float[4,3,1,1] w, float[4] g1 = {1,2,3,4}, float[4] h = {0.1,0.2,0.3,0.4}, float[2,4,1,1] v> {
    r = Conv (x, w)
    n = InstanceNormalization <epsilon = 100.0> (r, g1, h)
    y = Conv (n, v)
  })");
  spread_channels(model, "w", 0);
  EXPECT_EQ(equalize_model(model, "r").channels, 0);
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
    {"ResizeOfChannels",
     R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,8,1,1] v, float[4] s = {1,2,1,1}> {
      a = Conv (x, w)
      r = Resize (a, , s)
      y = Conv (r, v)
    })"},
    {"ResizeOfChannelsToAsMany",
     R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,1,1] w, float[2,4,1,1] v, float[4] s = {1,1.2,1,1}> {
      a = Conv (x, w)
      r = Resize (a, , s)
      y = Conv (r, v)
    })"},
    {"ResizeToSizesThatHoldOtherChannels",
     R"(g (float[1,3,8,8] x) => (float[1,2,16,16] y) <float[4,3,1,1] w, float[2,2,1,1] v, int64[4] s = {1,2,16,16}> {
      a = Conv (x, w)
      r = Resize (a, , , s)
      y = Conv (r, v)
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

TEST(ChannelClasses, WhatMeetsAnotherOperatorIsLeftAlone) {
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
