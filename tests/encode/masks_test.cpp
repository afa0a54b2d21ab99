#include "encode/masks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/edit.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Attention within windows, as exporters write it: the mask is added in another shape than the Softmax reads.
Model attention(float hidden, const std::string& nodes = "m = Add (lw, mask)") {
  Model model = text_model(R"(g (float[1,3,4,4] x) => (float[1,4,4,4] y) <float[8,3,3,3] w, float[4,8,1,1] u, float[1,1,4,4] mask,
      int64[3] s = {8,4,4}, int64[4] sw = {2,4,4,4}, int64[4] so = {1,8,4,4}> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    q = Reshape (a, s)
    k = Transpose <perm = [0,2,1]> (q)
    l = MatMul (q, k)
    lw = Reshape (l, sw)
    )" + nodes + R"(
    r = Reshape (m, s)
    p = Softmax <axis = -1> (r)
    o = MatMul (p, q)
    i = Reshape (o, so)
    y = Conv (i, u)
  })");
  std::vector<float> mask(16), w = float_values(initializer_of(model, "w"));
  for (std::size_t i = 0; i < 16; ++i) mask[i] = i % 4 > i / 4 ? hidden : 0;
  for (auto& value : w) value *= 0.1F;
  put_initializer(model.graph(), make_tensor("mask", {1, 1, 4, 4}, mask));
  put_initializer(model.graph(), make_tensor("w", {8, 3, 3, 3}, w));
  return model;
}

const Decision& decision_of(const Placement& placement, const std::string& node) {
  return *std::ranges::find(placement.decisions, node, &Decision::node);
}

TEST(Masks, AreAddedInFloatOnEveryTarget) {
  for (const float hidden : {-infinity, std::numeric_limits<float>::lowest(), -1e4F}) {
    for (const char* target : {"ort-cpu", "qnn"}) {
      const auto plan = plan_graph(attention(hidden), scheme_named("w8a8"), find_target(target));
      EXPECT_FALSE(decision_of(plan.placement, "m").quantized) << target;
      EXPECT_NE(decision_of(plan.placement, "m").reason.find("mask"), std::string::npos);
      EXPECT_TRUE(decision_of(plan.placement, "l").quantized);
      EXPECT_TRUE(decision_of(plan.placement, "o").quantized);
      for (const char* name : {"m", "r", "mask"}) EXPECT_FALSE(plan.encodings.activations.contains(name)) << name;
      for (const auto& [name, encoding] : plan.encodings.activations) EXPECT_LT(encoding.scale[0], 10) << name;
      const auto inputs = random_inputs(plan.prepared.proto, 2);
      const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
      EXPECT_LE(largest_difference(run_model(plan.prepared.proto, inputs), run_model(written.proto, inputs)), 0.05) << hidden << target;
    }
  }
}

TEST(Masks, ArePassedOnBySumsAndByWhatMovesThem) {
  const Model model = attention(-1e9F, "n = Add (lw, mask)  f = Flatten (n)  g = Reshape (f, sw)  m = Add (g, lw)");
  const auto placement = place(model, find_target("qnn"));
  for (const char* node : {"n", "f", "g", "m"}) EXPECT_NE(decision_of(placement, node).reason.find("mask"), std::string::npos) << node;
}

TEST(Masks, AreToldFromOtherConstants) {
  const auto masked = [](const std::string& node, const std::vector<float>& values) {
    Model model = text_model(
        "g (float[1,2,4,4] x, bool[1,2,4,4] c) => (float y) <float[2,2,1,1] w, float[1,2,1,1] k> { a = Conv (x, w)  y = " + node + " }");
    put_initializer(model.graph(), make_tensor("k", {1, 2, 1, 1}, values));
    return masked_nodes(GraphIndex(model.graph())).contains(1);
  };
  EXPECT_TRUE(masked("Add (a, k)", {0, -1000}));
  EXPECT_TRUE(masked("Sub (a, k)", {0.5F, 1e5F}));
  EXPECT_TRUE(masked("Mul (k, a)", {1, infinity}));
  EXPECT_FALSE(masked("Add (a, k)", {0, -999}));
  EXPECT_FALSE(masked("Add (a, k)", {-1e4F, -1e4F})) << "all alike: a summand, though a large one";
  EXPECT_FALSE(masked("Div (a, k)", {1e4F, 1}));
  EXPECT_TRUE(masked("Where (c, a, k)", {-1e4F, -1e4F})) << "its other values are those of a";
  EXPECT_FALSE(masked("Where (c, a, k)", {0, -10}));
  EXPECT_TRUE(masked("Mul (a, k)", {-1e4F, -1e4F})) << "of a mask that is fed, (1 - mask) * -10000";
  EXPECT_FALSE(masked("Mul (a, k)", {1e4F, 1e4F}));
}

// A mask of Swin's size is none of those, but there is no point in rounding it in front of a Softmax in float.
TEST(Placement, ASumThatAFloatOperatorReadsOnceItIsMovedStaysFloat) {
  const auto placement = place(attention(-100), find_target("ort-cpu"));
  EXPECT_EQ(decision_of(placement, "m").reason, "only operators without an integer kernel on ort-cpu read it");
  EXPECT_TRUE(decision_of(place(attention(-100), find_target("qnn")), "m").quantized);
}

}  // namespace
}  // namespace quantize::test
