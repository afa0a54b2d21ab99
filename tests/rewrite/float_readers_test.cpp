// What float operators and outputs see of tensors that are rounded for others.
#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Model rewritten(const PlannedGraph& plan) {
  Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings), Issues{});
  return written;
}

TEST(FloatReaders, ReadWhatTheModelIsGivenUnrounded) {
  const Model written = rewritten(plan_graph(text_model("g (float[1,2,4,4] x) => (float y, float z) <float[2,2,1,1] w> "
                                                        "{ y = Conv (x, w)  z = Identity (x) }"),
                                             scheme_named("w8a8")));
  EXPECT_EQ(node_of(written, "z").input(0), "x");
  EXPECT_NE(node_of(written, "y").input(0), "x");
}

TEST(FloatReaders, OfPixelsReadTheirExactValues) {
  const auto plan = plan_graph(text_model("g (uint8[1,2,4,4] x) => (float y, float z) <float[2,2,1,1] w> "
                                          "{ f = Cast <to = 1> (x)  y = Conv (f, w)  z = Erf (f) }"),
                               scheme_named("w8a8"));
  const Model written = rewritten(plan);
  EXPECT_EQ(node_of(written, node_of(written, "z").input(0)).op_type(), "DequantizeLinear");
  const auto inputs = random_inputs(plan.prepared.proto);
  EXPECT_EQ(values_of(run_model(written.proto, inputs)[1]), values_of(run_model(plan.prepared.proto, inputs)[1]));
}

// A Constant node stays one where its value is an output of the graph, too.
TEST(FloatReaders, AConstantThatIsAnOutputTooIsAFactorLikeAnyOther) {
  const auto plan =
      plan_graph(text_model("g (float[1,2,4,4] x) => (float y, float[1,2,1,1] k) <float[2,2,1,1] w, float[2,2,1,1] v> "
                            "{ k = Constant <value = float[1,2,1,1] {0.5, 3}> ()  a = Conv (x, w)  m = Mul (a, k)  y = Conv (m, v) }"),
                 scheme_named("w8a8"));
  EXPECT_TRUE(plan.placement.constants.empty());
  const Model written = rewritten(plan);
  const auto inputs = random_inputs(plan.prepared.proto, 2);
  EXPECT_LE(largest_difference(run_model(plan.prepared.proto, inputs), run_model(written.proto, inputs)), 0.05);
}

}  // namespace
}  // namespace quantize::test
