#include "optimize/biases.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

Plan plan_text(std::string_view text) {
  const auto planned = plan_graph(text_model(text), scheme_named("w8a8"));
  return {planned.prepared, planned.placement, planned.encodings};
}

TEST(EnsureBiases, MissingOnesAreZeroAndTheFunctionStays) {
  Plan plan = plan_text(R"(g (float[1,2,4,4] x) => (float[1,4,4,4] y) <float[2,3,1,1] w, float[4,6,1,1] v, float[4] b> {
    a = ConvTranspose <group = 2> (x, w)
    y = Conv (a, v, b)
  })");
  const Model before = plan.model;
  ensure_biases(plan);
  EXPECT_EQ(plan.placement.weighted[0].op.bias, "w_bias");
  EXPECT_EQ(float_values(initializer_of(plan.model, "w_bias")), std::vector<float>(6, 0.0F));
  EXPECT_EQ(plan.placement.weighted[1].op.bias, "b");  // its own already
  expect_same_function(before.proto, plan.model.proto, 0);
}

TEST(EnsureBiases, SharedOnesAreCopied) {
  Plan plan = plan_text(R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2] b> {
    a = Conv (x, w, b)
    y = Conv (a, v, b)
  })");
  const Model before = plan.model;
  ensure_biases(plan);
  EXPECT_NE(plan.placement.weighted[0].op.bias, plan.placement.weighted[1].op.bias);
  expect_same_function(before.proto, plan.model.proto, 0);
}

TEST(EnsureBiases, OnesThatABodyReadsOrTheModelGivesAreCopied) {
  for (const char* graph : {
           R"(g (float[1,2,4,4] x, bool c) => (float[1,2,4,4] y, float[2] z) <float[2,2,1,1] w, float[2] b> {
    y = Conv (x, w, b)
    z = If (c) <then_branch = t () => (float[2] p) { p = Identity (b) }, else_branch = e () => (float[2] q) { q = Neg (b) }>
  })",
           R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y, float[2] b) <float[2,2,1,1] w, float[2] b> { y = Conv (x, w, b) })"}) {
    Plan plan = plan_text(graph);
    ensure_biases(plan);
    EXPECT_NE(plan.placement.weighted[0].op.bias, "b") << graph;
  }
}

TEST(EnsureBiases, MatMulHasNone) {
  Plan plan = plan_text("g (float[2,3] x) => (float[2,4] y) <float[3,4] w> { y = MatMul (x, w) }");
  ensure_biases(plan);
  EXPECT_EQ(plan.model.graph().node(0).input_size(), 2);
}

TEST(LeastScales, LeaveRoomForABiasTwiceAsLarge) {
  Plan plan = plan_text("g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2] b> { y = Conv (x, w, b) }");
  plan.encodings.activations.at("x").scale = {0.5F};
  const auto least = least_scales(plan, plan.placement.weighted[0].op, {8.0F, 0.0F}, 2);
  EXPECT_FLOAT_EQ(least[0], 32 * 0x1p-30F);
  EXPECT_EQ(least[1], 0.0F);
}

}  // namespace
}  // namespace quantize::test
