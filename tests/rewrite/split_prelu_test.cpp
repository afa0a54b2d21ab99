#include "rewrite/split_prelu.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

Model with_slopes(const std::vector<float>& slopes) {
  Model model = text_model("g (float[1,3,4,4] x) => (float[1,3,4,4] y) <float[3,1,1] s> { y = PRelu (x, s) }");
  put_initializer(model.graph(), make_tensor("s", {3, 1, 1}, slopes));
  return model;
}

// The model with its PRelu replaced.
Model split(Model model) {
  NameMaker names(model.graph());
  const auto slope = model.graph().initializer(0);
  auto parts = split_prelu(model.graph().node(0), &slope, names);
  set_nodes(model.graph(), std::move(parts));
  return model;
}

TEST(SplitPrelu, TheValuesStayTheSameBitForBit) {
  for (const std::vector<float>& slopes : {std::vector<float>{0.25F, 0, 1}, {-0.5F, 0.1F, 0.99F}, {1, 1.5F, 7}}) {
    const Model before = with_slopes(slopes), after = split(before);
    EXPECT_EQ(count_nodes(after, "PRelu"), 0);
    expect_same_function(before.proto, after.proto, 0);
  }
}

TEST(SplitPrelu, SlopesOnBothSidesOfOneAndComputedOnesStay) {
  EXPECT_EQ(operators(split(with_slopes({0.5F, 1.5F, 1}))), "PRelu");
  Model model = with_slopes({0, 0, 0});
  NameMaker names(model.graph());
  EXPECT_EQ(split_prelu(model.graph().node(0), nullptr, names).size(), 1U);
}

TEST(SplitPrelu, OnlyInTheQuantizedModelOfATargetThatWantsIt) {
  const Model model = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4,1,1] s, float[4,4,1,1] v> {
    a = Conv (x, w)
    r = PRelu (a, s)
    y = Conv (r, v)
  })");
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(count_nodes(written, "PRelu"), 0);
  EXPECT_EQ(count_nodes(written, "Max"), 1);
  Placement other = plan.placement;
  other.split_prelu = false;
  const Model kept = rewrite(plan.prepared, other, plan.encodings);
  EXPECT_EQ(count_nodes(kept, "PRelu"), 1);
  expect_same_function(kept.proto, written.proto, 0);
}

}  // namespace
}  // namespace quantize::test
