#include "evaluate/kernels.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

Kernels kernels_as(const std::string& scheme, std::string_view text, std::span<const NodeDecision> decisions = {}) {
  const auto plan = plan_graph(text_model_for(scheme_named(scheme), text), scheme_named(scheme));
  return kernels_in_runtime(rewrite(plan.prepared, plan.placement, plan.encodings), decisions).value();
}

constexpr const char* resized =
    R"(g (float[1,8,8,8] x) => (float[1,8,16,16] y) <float[8,8,1,1] w, float[8,8,1,1] v, float[8,8,1,1] u, float[4] s = {1,1,2,2}> {
    a = Conv (x, w)
    b = Relu (a)
    r = Resize <mode = "linear"> (b, , s)
    c = Conv (r, v)
    y = Conv (c, u)
  })";

TEST(Kernels, NamesWhatStaysFloatAndWhy) {
  const Kernels kernels = kernels_as("w8a8", resized);
  EXPECT_EQ(kernels.integer, 2);
  ASSERT_EQ(kernels.floating, 2);
  ASSERT_EQ(kernels.floats.size(), 2U);
  EXPECT_EQ(kernels.floats[0].node, "r");
  EXPECT_EQ(kernels.floats[0].op_type, "Resize");
  EXPECT_EQ(kernels.floats[0].reason, "ONNX Runtime has no integer kernel for it");
  EXPECT_EQ(kernels.floats[1].node, "y");
  EXPECT_EQ(kernels.floats[1].reason, "its result leaves the model in float");
  // of the input, behind the Resize; before it, and of the last convolution's input and weight
  EXPECT_EQ(kernels.conversions, 5);
}

TEST(Kernels, TakesTheReasonFromTheDecisionToLeaveANodeFloat) {
  const NodeDecision left[] = {
      {.node = "r", .op_type = "Resize", .quantized = false, .weights = "", .activations = "", .reason = "by request"},
      {.node = "y", .op_type = "Conv", .quantized = true, .weights = "", .activations = "", .reason = "ignored"}};
  const Kernels kernels = kernels_as("w8a8", resized, left);
  EXPECT_EQ(kernels.floats[0].reason, "by request");
  EXPECT_EQ(kernels.floats[1].reason, "its result leaves the model in float");
}

TEST(Kernels, SaysThatTypesAreForNpus) {
  for (const char* scheme : {"w8a16", "w4a16"}) {
    const Kernels kernels = kernels_as(scheme, resized);
    bool found = false;
    for (const auto& one : kernels.floats) found |= one.reason.find("16-bit activations") != std::string::npos;
    EXPECT_TRUE(found) << scheme;
    EXPECT_GE(kernels.floating, 3) << scheme;
  }
}

TEST(Kernels, AFusedConvolutionIsNamedAfterTheConvolution) {
  const Model model = text_model(R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w> {
    a = Conv (x, w)
    y = Relu (a)
  })");
  const Kernels kernels = kernels_in_runtime(model).value();
  ASSERT_EQ(kernels.floats.size(), 1U);
  EXPECT_EQ(kernels.floats[0].op_type, "Conv");
  EXPECT_EQ(kernels.floats[0].reason, "its input 'x' is not quantized");
}

TEST(Kernels, ArithmeticOnShapesDoesNotCount) {
  const Model model = text_model(R"(g (float[n,8,8,8] x) => (float[n,m] y) <int64[1] all = {-1}, int64[1] zero = {0}> {
    s = Shape (x)
    k = Gather (s, zero)
    t = Concat <axis = 0> (k, all)
    y = Reshape (x, t)
  })");
  const Kernels kernels = kernels_in_runtime(model).value();
  EXPECT_EQ(kernels.integer, 0);
  ASSERT_EQ(kernels.floats.size(), 1U);
  EXPECT_EQ(kernels.floats[0].op_type, "Reshape");
}

TEST(Kernels, NothingIsKnownOfAModelThatTheRuntimeCannotLoad) {
  Model model = text_model("g (float[1,8] x) => (float[1,8] y) { y = Relu (x) }");
  model.graph().mutable_node(0)->set_op_type("Unheard");
  EXPECT_FALSE(kernels_in_runtime(model).has_value());
}

}  // namespace
}  // namespace quantize::test
