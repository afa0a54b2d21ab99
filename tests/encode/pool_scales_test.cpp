#include "encode/pool_scales.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"
#include "rewrite/rewrite.h"
#include "support/run_model.h"

namespace quantize::test {
namespace {

// Means behind a normalisation are next to nothing, and ONNX Runtime refuses an integer pool with such scales.
TEST(PoolScales, MeansNextToNothingHaveAStepThatTheRuntimeTakes) {
  const Model model = text_model(R"(g (float[1,2,8,8] x) => (float y)
    <float[4,2,3,3] w, float[4] one = {1,1,1,1}, float[4] zero = {0,0,0,0}, float[4,4,1,1] v, float[4,4,1,1] u> {
    c = Conv (x, w)
    n = InstanceNormalization (c, one, zero)
    m = GlobalAveragePool (n)
    p = Conv (m, v)
    g1 = Sigmoid (p)
    t = Mul (n, g1)
    y = Conv (t, u)
  })");
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  EXPECT_LT(plan.statistics.at("m").max, 1e-5);
  EXPECT_GE(plan.encodings.activations.at("m").scale[0], plan.encodings.activations.at("n").scale[0] / 255);
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_NO_THROW(run_model(written.proto, random_inputs(model.proto)));
}

TEST(PoolScales, OthersStay) {
  const Model model = text_model(
      "g (float[1,2,8,8] x) => (float y) <float[4,2,1,1] w, float[4,4,1,1] v> { c = Conv (x, w)  r = Relu (c)  "
      "m = GlobalAveragePool (r)  y = Conv (m, v) }");
  auto plan = plan_graph(model, scheme_named("w8a8"));
  const auto before = plan.encodings.activations.at("m").scale;
  widen_pool_scales(GraphIndex(plan.prepared.graph()), plan.placement, plan.encodings);
  EXPECT_EQ(plan.encodings.activations.at("m").scale, before);
}

}  // namespace
}  // namespace quantize::test
