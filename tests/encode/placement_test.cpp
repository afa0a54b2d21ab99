#include "encode/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "model/edit.h"
#include "placement_fixture.h"
#include "support/error_text.h"

namespace quantize::test {
namespace {

TEST(Place, ResidualAddAndAbsorbedRelu) {
  const auto placement = place_text(residual_graph);
  EXPECT_EQ(groups_of(placement), "x | b | c | e");  // a and d are absorbed, y leaves the graph as float
  EXPECT_EQ(placement.weighted.size(), 3U);
  ASSERT_TRUE(group_with(placement, "e").range);
  EXPECT_EQ(group_with(placement, "e").range->first, 0.0F);
  EXPECT_EQ(placement.observed(), (std::vector<std::string>{"x", "b", "c", "e"}));
  for (const auto& decision : placement.decisions) EXPECT_TRUE(decision.quantized) << decision.node << ": " << decision.reason;
}

TEST(Place, AReluWithAnotherReaderBeforeItIsNotAbsorbed) {
  const auto placement = place_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] u> {
    a = Conv (x, w)
    b = Relu (a)
    c = Add (a, b)
    y = Conv (c, u)
  })");
  EXPECT_EQ(groups_of(placement).substr(0, 5), "x | a");
}

TEST(Place, ClipSixIsABoundAndSigmoidIsExact) {
  const auto placement = place_text(
      R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,2,1,1] u, float l = {0}, float h = {6}> {
    a = Conv (x, w)
    b = Clip (a, l, h)
    c = Conv (b, v)
    s = Sigmoid (c)
    y = Conv (s, u)
  })");
  EXPECT_EQ(groups_of(placement), "x | b | c | s");
  EXPECT_EQ(group_with(placement, "b").range, (std::pair{0.0F, 6.0F}));
  EXPECT_FALSE(group_with(placement, "b").range_is_exact);
  EXPECT_EQ(group_with(placement, "s").range, (std::pair{0.0F, 1.0F}));
  EXPECT_TRUE(group_with(placement, "s").range_is_exact);
  const auto observed = placement.observed();
  EXPECT_EQ(std::count(observed.begin(), observed.end(), "s"), 0);
  EXPECT_EQ(std::count(observed.begin(), observed.end(), "b"), 1);
}

TEST(Place, ObservedValuesAtTheBoundGiveExactlySix) {
  TensorGroup group;
  group.members = group.sources = {"b"};
  group.range = {0.0F, 6.0F};
  Statistics statistics;
  auto& b = statistics["b"] = statistics_of(std::vector<float>{0, 6, 6, 6});
  for (const auto method : {RangeMethod::minmax, RangeMethod::percentile, RangeMethod::mse, RangeMethod::entropy}) {
    const Range range = group_range(group, statistics, scheme_named("w8a8", method));
    EXPECT_EQ(range.low, 0.0);
    EXPECT_NEAR(range.high, 6.0, 0.01);
  }
  EXPECT_EQ(group_range(group, statistics, scheme_named("w8a8")).high, 6.0);
  b.max = 4;  // what was never seen is not covered
  EXPECT_EQ(group_range(group, statistics, scheme_named("w8a8")).high, 4.0);
}

// Half a step more, and the Clip before would no longer be what the encoding does by itself.
TEST(Place, WhereAllReadersSaturateNoRangeGoesBeyondTheClipBefore) {
  TensorGroup group;
  group.range = group.distinct = {0.0F, 6.0F};
  EXPECT_EQ(limit_range({0, 6}, group, 8).high, 6.0);
  group.distinct = {0.0F, 4.0F};
  EXPECT_EQ(limit_range({0, 6}, group, 8).high, 4 + 4.0 / 254 / 2);
}

TEST(Place, ConstantOperandsAreNamed) {
  const auto placement = place_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,1,1] k> {
    a = Conv (x, w)
    m = Mul (a, k)
    y = Conv (m, v)
  })");
  EXPECT_EQ(placement.constants, std::vector<std::string>{"k"});
}

TEST(Place, ArithmeticBeforeTheFirstWeightedNodeStaysFloat) {
  const auto placement = place_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,1,1] k> {
    m = Mul (x, k)
    y = Conv (m, w)
  })");
  EXPECT_EQ(groups_of(placement), "m");
  EXPECT_EQ(placement.decisions[0].reason, "none of its inputs is quantized");
}

TEST(Place, OperatorsWithoutIntegerKernelStayFloat) {
  const auto placement =
      place_text(R"(g (float[1,2,6,6] x) => (float[1,2,12,12] y) <float[2,2,3,3] w, float[2,2,1,1] v, float[4] s = {1,1,2,2}> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Resize <mode = "linear"> (a, , s)
    e = Erf (r)
    y = Conv (e, v)
  })");
  EXPECT_EQ(groups_of(placement), "x | a | e");
  EXPECT_EQ(placement.decisions[1].reason, "no integer kernel on ort-cpu");
  EXPECT_NE(placement.decisions[2].reason.find("not in the table"), std::string::npos);
}

TEST(Place, ControlFlowIsNamed) {
  const Model model = text_model(R"(g (float[1,2,4,4] x, bool c) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,2,1,1] u> {
    t = Conv (x, w)
    y = If (c) <then_branch = a () => (float[1,2,4,4] p) { p = Conv (t, u) }, else_branch = b () => (float[1,2,4,4] q) { q = Neg (t) }>
  })");
  const auto placement = place(model, find_target("ort-cpu"));
  EXPECT_FALSE(placement.decisions[1].quantized);
  EXPECT_NE(placement.decisions[1].reason.find("control flow"), std::string::npos) << placement.decisions[1].reason;
}

TEST(Place, GraphOutputsFollowTheTarget) {
  Target target = find_target("ort-cpu");
  target.quantize_outputs = true;
  const auto placement = place(text_model(residual_graph), target);
  EXPECT_EQ(groups_of(placement), "x | b | c | e | y");
  EXPECT_TRUE(group_with(placement, "y").is_graph_output);
}

TEST(Place, ChannelAxes) {
  const auto placement = place_text(R"(g (float[1,4,3,3] x) => (float[1,5] y) <float[4,3,2,2] w, int64[2] s = {1, 96}, float[5,96] v> {
    a = ConvTranspose <group = 2> (x, w)
    f = Reshape (a, s)
    y = Gemm <transB = 1> (f, v)
  })");
  ASSERT_EQ(placement.weighted.size(), 2U);
  EXPECT_EQ(placement.weighted[0].op.channel_axis, 1);
  EXPECT_EQ(placement.weighted[0].op.outputs, 6);
  EXPECT_EQ(placement.weighted[1].op.channel_axis, 0);
}

Model named_residual() {
  Model model = text_model(residual_graph);
  for (auto& node : *model.graph().mutable_node()) node.set_name("block/" + node.output(0));
  return model;
}

std::set<std::string> floating_nodes(const Exclusions& exclusions) {
  const auto placement = place(named_residual(), find_target("ort-cpu"), exclusions);
  std::set<std::string> names;
  for (const auto& decision : placement.decisions) {
    if (decision.reason == "excluded by request") names.insert(decision.node);
  }
  return names;
}

TEST(Exclude, ByNameTypeAndPattern) {
  EXPECT_EQ(floating_nodes({{"block/c"}, {}, {}}), std::set<std::string>{"block/c"});
  EXPECT_EQ(floating_nodes({{}, {"Add"}, {}}), std::set<std::string>{"block/d"});
  EXPECT_EQ(floating_nodes({{}, {}, {"^block/[ac]$"}}), (std::set<std::string>{"block/a", "block/c"}));
  EXPECT_EQ(floating_nodes({{"block/y"}, {}, {"/a"}}), (std::set<std::string>{"block/a", "block/y"}));
  EXPECT_TRUE(floating_nodes({}).empty());
}

TEST(Exclude, WhatMatchesNothingOrIsNoPatternIsAWrongOption) {
  const Exclusions wrong[] = {{{"block"}, {}, {}}, {{}, {"Gemm"}, {}}, {{}, {}, {"stem"}}, {{}, {}, {"("}}};
  for (const auto& exclusions : wrong) {
    try {
      floating_nodes(exclusions);
      ADD_FAILURE() << "no exception";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      const bool is_pattern = exclusions.patterns == std::vector<std::string>{"("};
      EXPECT_TRUE(is_pattern || std::string(error.what()).find("--calib random --dry-run -v` lists them") != std::string::npos)
          << error.what();
    }
  }
}

TEST(Exclude, WhatWasProbablyMeantIsNamed) {
  const auto hint = [](const Exclusions& wrong) { return error_text([&] { return floating_nodes(wrong); }, ErrorKind::usage); };
  EXPECT_TRUE(hint({{}, {"CONV"}, {}}).ends_with("; did you mean 'Conv'?"));
  EXPECT_TRUE(hint({{"blok/c"}, {}, {}}).ends_with("; did you mean 'block/c'?"));
  EXPECT_TRUE(hint({{}, {"Gemm"}, {}}).ends_with("lists them"));
}

TEST(Exclude, NodesWithoutNameGoByTheirFirstOutput) {
  const auto placement = place_text(residual_graph, {{"c"}, {}, {}});
  EXPECT_EQ(placement.weighted.size(), 2U);
}

TEST(Placement, ASumThatOnlyFloatOperatorsReadStaysFloat) {
  const Model model = text_model(prelu_block);
  const auto placement = place(model, find_target("ort-cpu"));
  EXPECT_FALSE(placement.decisions[3].quantized);
  EXPECT_EQ(placement.decisions[3].reason, "only operators without an integer kernel on ort-cpu read it");
  for (const auto& group : placement.groups) EXPECT_NE(group.members[0], "d");
  const auto elsewhere = place(model, find_target("qnn"));
  EXPECT_TRUE(elsewhere.decisions[3].quantized);
}

TEST(Placement, ASumThatAConvolutionReadsTooIsQuantized) {
  const auto placement = place(text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y, float[1,4,8,8] z)
    <float[4,4,1,1] w, float[4,4,1,1] v, float[4,4,1,1] u, float[4,1,1] s> {
    a = Conv (x, w)
    b = Conv (x, v)
    d = Add (a, b)
    e = PRelu (d, s)
    y = Conv (e, u)
    z = Conv (d, u)
  })"),
                               find_target("ort-cpu"));
  EXPECT_TRUE(placement.decisions[2].quantized);
}

TEST(Placement, NegativeValuesCountByTheSlopesThatReadThem) {
  Model model =
      text_model(R"(g (float[1,2,8,8] x) => (float[1,2,8,8] y, float[1,2,8,8] z) <float[2,2,1,1] w, float[2,1,1] s, float[2,2,3,3] v> {
    a = Conv <pads = [1,1,1,1]> (x, v)
    b = PRelu (a, s)
    c = Conv (b, w)
    d = LeakyRelu <alpha = 0.3> (c)
    e = Conv (d, w)
    f = LeakyRelu <alpha = 0.1> (e)
    y = Conv (f, w)
    z = Conv (e, w)
  })");
  put_initializer(model.graph(), make_tensor("s", {2, 1, 1}, std::vector<float>{0.5F, 0.1F}));
  const auto placement = place(model, find_target("ort-cpu"));
  const auto weight_of = [&](const std::string& name) {
    const auto* group = group_of(placement, name);
    return group != nullptr ? group->negative_weight : -1;
  };
  EXPECT_NEAR(weight_of("a"), (0.25 + 0.01) / 2, 1e-6);
  EXPECT_NEAR(weight_of("c"), 0.09, 1e-6);
  EXPECT_EQ(weight_of("e"), 1) << "a convolution reads it too";
  EXPECT_EQ(weight_of("d"), 1);
}

TEST(Placement, ALongTailOfFloatOperatorsTakesNoLonger) {
  std::string tail;
  for (int i = 0; i < 60; ++i) {
    const std::string from = "t" + std::to_string(i), to = "t" + std::to_string(i + 1), part = "a" + std::to_string(i);
    tail += part + " = Abs (" + from + ") " + to + " = Sub (" + from + ", " + part + ") ";
  }
  const Model model = text_model("g (float[1,2,4,4] x) => (float[1,2,4,4] t60) <float[2,2,1,1] w> { t0 = Conv (x, w) " + tail + "}");
  EXPECT_EQ(group_of(place(model, find_target("ort-cpu")), "t0"), nullptr);
}

TEST(Placement, LogitsBeforeALastSigmoidStayFloat) {
  const char* graph = R"(g (float[1,2,8,8] x) => (float[1,8,8,2] y, float[1,2,8,8] z) <float[2,2,1,1] w> {
    a = Conv (x, w)
    s = Sigmoid (a)
    y = Transpose <perm = [0,2,3,1]> (s)
    b = Conv (x, w)
    t = Sigmoid (b)
    c = Mul (t, b)
    z = Conv (c, w)
  })";
  const auto is_quantized = [&](const std::string& target, const std::string& name) {
    return group_of(place(text_model(graph), find_target(target)), name) != nullptr;
  };
  EXPECT_FALSE(is_quantized("ort-cpu", "a"));
  EXPECT_TRUE(is_quantized("ort-cpu", "b")) << "a gate within the network";
  EXPECT_TRUE(is_quantized("qnn", "a")) << "all integers there";
}

}  // namespace
}  // namespace quantize::test
