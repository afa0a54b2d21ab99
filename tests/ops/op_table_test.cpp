#include "ops/op_table.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "ops/target.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct RoleCase {
  const char* graph;
  Role role;
};

TEST(RoleOf, TheNodeThatMakesY) {
  const RoleCase cases[] = {
      {"g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w> { y = Conv (x, w) }", Role::weighted},
      {"g (float[1,2,4,4] x, float[2,2,1,1] w) => (float[1,2,4,4] y) { y = Conv (x, w) }", Role::floating},  // the weight is no constant
      {"g (float[2,3] x) => (float[2,4] y) <float[3,4] w> { y = MatMul (x, w) }", Role::weighted},
      {"g (float[2,3] x, float[3,4] w) => (float[2,4] y) { y = MatMul (x, w) }", Role::compute},
      {"g (float[3,2] x) => (float[2,4] y) <float[3,4] w> { y = Gemm <transA = 1> (x, w) }", Role::floating},
      {"g (float[2] x, float[2] z) => (float[2] y) { y = Add (x, z) }", Role::compute},
      {"g (float[2] x) => (float[2] y) { y = Relu (x) }", Role::clamp},
      {"g (float[2] x) => (float[2] y) <float h = {6}> { y = Clip (x, , h) }", Role::clamp},
      {"g (float[2] x, float h) => (float[2] y) { y = Clip (x, , h) }", Role::floating},  // the bound is computed
      {"g (float[2] x) => (float[2] y) { y = Erf (x) }", Role::floating},
      {"g (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x) }", Role::moving},
      {"g (float[1,1,4,4] x) => (float[1,1,2,2] y) { y, i = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x) }", Role::floating},
      {"g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[4] s = {1,1,2,2}> { y = Resize <mode = \"nearest\"> (x, , s) }", Role::moving},
      {"g (float[2] x) => (float[4] y) <int64[2] p = {1,1}> { y = Pad (x, p) }", Role::moving},
      {"g (float[2] x) => (float[4] y) <int64[2] p = {1,1}, float v = {0}> { y = Pad (x, p, v) }", Role::moving},
      {"g (float[2] x) => (float[4] y) <int64[2] p = {1,1}, float v = {3}> { y = Pad (x, p, v) }",
       Role::floating},  // 3 may be out of range
      {"g (float[2] x, float v) => (float[4] y) <int64[2] p = {1,1}> { y = Pad (x, p, v) }", Role::floating},
      {"g (float[2] x) => (float[4] y) <int64[2] p = {1,1}, float v = {3}> { y = Pad <mode = \"edge\"> (x, p, v) }", Role::moving},
      {"g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[4] s = {1,1,2,2}> { y = Resize <mode = \"linear\"> (x, , s) }", Role::compute},
  };
  for (const auto& one : cases) {
    const Model model = text_model(one.graph);
    EXPECT_EQ(role_of(node_of(model, "y"), GraphIndex(model.graph())), one.role) << one.graph;
  }
}

TEST(RoleOf, ADivisorMustNotRoundToZero) {
  const auto role_with = [](const std::string& divisor) {
    const Model model = text_model("g (float[2] x, float[2] z) => (float[2] y) <float[2] k = {" + divisor + "}> { y = Div (x, k) }");
    return role_of(node_of(model, "y"), GraphIndex(model.graph()));
  };
  EXPECT_EQ(role_with("0.5, -10"), Role::compute);
  EXPECT_EQ(role_with("0.015, 10"), Role::floating);
  EXPECT_EQ(role_with("0, 0"), Role::floating);
  const Model computed = text_model("g (float[2] x, float[2] z) => (float[2] y) { y = Div (x, z) }");
  EXPECT_EQ(role_of(node_of(computed, "y"), GraphIndex(computed.graph())), Role::floating);
}

TEST(RoleOf, AttributesThatTheRoleDoesNotFit) {
  const auto role_with = [](const std::string& node) {
    const Model model = text_model(
        "g (float[1,1,4,4] x) => (float y) <float[8] r = {0,0,-1,-1,1,1,2,2}, int64[4] s = {1,1,8,8}> { y = " + node + " }", 19, 9);
    return role_of(node_of(model, "y"), GraphIndex(model.graph()));
  };
  EXPECT_EQ(role_with("AveragePool <kernel_shape = [2,2], dilations = [1,1]> (x)"), Role::compute);
  EXPECT_EQ(role_with("AveragePool <kernel_shape = [2,2], dilations = [2,2]> (x)"), Role::floating);
  const std::string crop = "Resize <mode = \"nearest\", coordinate_transformation_mode = \"tf_crop_and_resize\"";
  EXPECT_EQ(role_with(crop + "> (x, r, , s)"), Role::moving) << "zero, which is in every encoding";
  EXPECT_EQ(role_with(crop + ", extrapolation_value = -20.0> (x, r, , s)"), Role::floating);
}

TEST(RoleOf, OtherDomainsAreUnknown) {
  Model model = text_model("g (float[2] x) => (float[2] y) { y = Relu (x) }");
  model.graph().mutable_node(0)->set_domain("com.example");
  EXPECT_EQ(role_of(model.graph().node(0), GraphIndex(model.graph())), Role::floating);
}

TEST(IsDataInput, ShapesAndBoundsAreNot) {
  const Model model = text_model(R"(g (float[2,3] x, float[2,3] z) => (float[4,3] y) <int64[2] s = {2, 3}> {
    r = Reshape (x, s)
    y = Concat <axis = 0> (r, z)
  })");
  EXPECT_TRUE(is_data_input(model.graph().node(0), 0));
  EXPECT_FALSE(is_data_input(model.graph().node(0), 1));
  EXPECT_FALSE(is_data_input(model.graph().node(0), -1));  // a capture
  EXPECT_TRUE(is_data_input(model.graph().node(1), 1));
}

WeightedOp op_of(const char* graph) {
  const Model model = text_model(graph);
  return weighted_op(node_of(model, "y"), GraphIndex(model.graph())).value();
}

TEST(WeightedOpOf, Conv) {
  const auto op = op_of("g (float[1,4,5,5] x) => (y) <float[6,2,3,3] w, float[6] b> { y = Conv <group = 2> (x, w, b) }");
  EXPECT_EQ(op.input + op.weight + op.bias + op.output, "xwby");
  EXPECT_EQ(op.channel_axis, 0);
  EXPECT_EQ(op.channels, 6);
  EXPECT_EQ(op.outputs, 6);
  EXPECT_EQ(op.groups, 2);
}

TEST(WeightedOpOf, ConvTransposeHasItsChannelsOnAxisOne) {
  const auto op = op_of("g (float[1,4,5,5] x) => (y) <float[4,3,2,2] w> { y = ConvTranspose <group = 2> (x, w) }");
  EXPECT_EQ(op.channel_axis, 1);
  EXPECT_EQ(op.channels, 3);
  EXPECT_EQ(op.outputs, 6);
  EXPECT_EQ(op.bias, "");
}

TEST(WeightedOpOf, GemmFollowsTransB) {
  EXPECT_EQ(op_of("g (float[2,3] x) => (y) <float[3,4] w> { y = Gemm (x, w) }").channel_axis, 1);
  const auto op = op_of("g (float[2,3] x) => (y) <float[4,3] w, float[4] b> { y = Gemm <transB = 1> (x, w, b) }");
  EXPECT_EQ(op.channel_axis, 0);
  EXPECT_EQ(op.outputs, 4);
}

TEST(WeightedOpOf, BatchedMatMulIsPerTensor) {
  const auto op = op_of("g (float[2,3,4] x) => (y) <float[2,4,5] w> { y = MatMul (x, w) }");
  EXPECT_EQ(op.channel_axis, -1);
  EXPECT_EQ(op.outputs, 5);
}

TEST(Ranges, FixedRangesAndClampBounds) {
  const Model model = text_model(R"(g (float[2] x, float m) => (float[2] y) <float l = {-1}, float h = {6}> {
    s = Sigmoid (x)
    t = Tanh (s)
    r = Relu (t)
    c = Clip (r, l, h)
    o = Clip (c, l)
    y = Clip (o, m)
  })");
  const GraphIndex index(model.graph());
  EXPECT_EQ(fixed_range(node_of(model, "s")), (std::pair{0.0F, 1.0F}));
  EXPECT_EQ(fixed_range(node_of(model, "t")), (std::pair{-1.0F, 1.0F}));
  EXPECT_EQ(fixed_range(node_of(model, "r")), std::nullopt);
  EXPECT_EQ(clamp_bounds(node_of(model, "r"), index), (std::pair{0.0F, infinity}));
  EXPECT_EQ(clamp_bounds(node_of(model, "c"), index), (std::pair{-1.0F, 6.0F}));
  EXPECT_EQ(clamp_bounds(node_of(model, "o"), index), (std::pair{-1.0F, infinity}));
  EXPECT_EQ(clamp_bounds(node_of(model, "y"), index), std::nullopt);
  EXPECT_EQ(clamp_bounds(node_of(model, "s"), index), std::nullopt);
}

TEST(Ranges, OldClipsKeepTheirBoundsInAttributes) {
  const Model model = text_model("g (float[2] x) => (float[2] y) { y = Clip <min = 0.0, max = 6.0> (x) }", 9, 4);
  EXPECT_EQ(clamp_bounds(model.graph().node(0), GraphIndex(model.graph())), (std::pair{0.0F, 6.0F}));
}

TEST(Targets, KnownAndUnknown) {
  EXPECT_EQ(find_target("ort-cpu").name, "ort-cpu");
  try {
    find_target("tpu");
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("ort-cpu"), std::string::npos);
  }
}

TEST(Ranges, InputsToldApart) {
  const auto of = [](const std::string& node) {
    const Model model = text_model("g (float[4] x) => (float[4] y) <float low = {-1}, float high = {6}> { y = " + node + " }");
    return distinct_inputs(model.graph().node(0), GraphIndex(model.graph()));
  };
  EXPECT_EQ(of("HardSwish (x)"), std::pair(-3.0F, infinity));
  EXPECT_EQ(of("HardSigmoid <alpha = 0.5, beta = 0.5> (x)"), std::pair(-1.0F, 1.0F));
  EXPECT_EQ(of("Relu (x)"), std::pair(0.0F, infinity));
  EXPECT_EQ(of("Clip (x, low, high)"), std::pair(-1.0F, 6.0F));
  EXPECT_FALSE(of("Sigmoid (x)")) << "flat far out, but never the same";
  EXPECT_FALSE(of("Clip (x, high, low)")) << "bounds the wrong way round";
  Model foreign = text_model("g (float[4] x) => (float[4] y) { y = HardSwish (x) }");
  foreign.graph().mutable_node(0)->set_domain("mine");
  EXPECT_FALSE(distinct_inputs(foreign.graph().node(0), GraphIndex(foreign.graph()))) << "the name says nothing there";
  EXPECT_EQ(mean_square_slope(foreign.graph().node(0), GraphIndex(foreign.graph())), 1);
}

}  // namespace
}  // namespace quantize::test
