// What is put together from weights fitted once, and what it has of the plan that it started from.
#include "mixed/planner.h"

#include <cmath>
#include <utility>

#include "encode/multiplier.h"
#include "mixed/mixed_fixture.h"
#include "model/graph.h"
#include "model/payload.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

using PlannerTest = MixedFixture;

std::string file_of(const Plan& plan) { return serialize(rewrite(plan.model, plan.placement, plan.encodings).proto); }

// Weights and biases were fitted to ranges that measurement chose, which are no longer those that encode() makes.
TEST_F(PlannerTest, WhatIsNotRaisedKeepsTheRangeThatWasChosenForIt) {
  hide_a_channel(model_);
  const Scheme scheme = Scheme::named("w8a8");
  Planner plans(planner(scheme, Level::o2), statistics(), context_);
  const auto& chosen = plans.base().encodings.activations;
  const auto plain = encode(model_, plans.base().placement, statistics(), scheme, context_).activations;
  ASSERT_NE(chosen.at("s").scale, plain.at("s").scale) << "measurement chose another range";
  EXPECT_EQ(file_of(plans.compose({})), file_of(plans.base()));
  const auto raised = plans.compose({{}, {{"r", 16}}}).encodings.activations;
  EXPECT_EQ(raised.at("r").type, onnx::TensorProto::UINT16);
  for (const auto* other : {"x", "s"}) EXPECT_EQ(raised.at(other).scale, chosen.at(other).scale) << other;
  const auto with_float = plans.compose({{{"a", float_bits}}, {}}).encodings.activations;
  EXPECT_EQ(with_float.at("s").scale, chosen.at("s").scale);
}

// The last reader's copy of the weight must not undo what the first one's bias asks of its scale.
TEST_F(PlannerTest, ASharedWeightsScaleHasRoomForEveryReadersBias) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4] p, float[4,4,1,1] u> {
    a = Conv (x, w, p)
    r = Relu (a)
    b = Conv (r, w)
    y = Conv (b, u)
  })",
                      21, 10);
  put_initializer(model_.graph(), make_tensor("p", {4}, std::vector<float>(4, 1e4F)));
  Planner plans(planner(scheme_named("w8a8")), statistics(), context_);
  const auto encodings = plans.compose({{}, {{"x", 16}}}).encodings;
  for (const float scale : encodings.weights.at("w").scale)
    EXPECT_LE(1e4 / (static_cast<double>(encodings.activations.at("x").scale[0]) * scale), (1 << 30) * 1.001);
}

// Where kernels keep few bits of them: a scale that fits the base's activations need not fit a raised one's.
TEST_F(PlannerTest, MultipliersAreShortForTheActivationsOfTheAssignment) {
  target_ = find_target("qnn");
  Planner plans(planner(scheme_named("w8a8")), statistics(), context_);
  for (const auto* tensor : {"x", "r", "s"}) {
    const Plan plan = plans.compose_to_write({{}, {{tensor, 16}}});
    const GraphIndex index(plan.model.graph());
    for (const auto& [number, op] : plan.placement.weighted) {
      const ScaleRule rule = scale_rule(index, plan.placement, plan.encodings, op);
      ASSERT_NE(rule.to_multiplier, 0);
      for (const float scale : plan.encodings.weights.at(op.weight).scale)
        EXPECT_EQ(rule.at_least(scale), scale) << tensor << " " << op.output;
    }
  }
}

TEST_F(PlannerTest, WithoutFittingAComposedPlanIsTheOneMadeFromScratch) {
  Planner plans(planner(scheme_named("w4a16")), statistics(), context_);
  const Assignment assignment{{{"c", 8}, {"y", float_bits}}, {}};
  std::vector<Step> steps;
  const Plan composed = plans.compose(assignment), made = plans.fit(assignment, steps);
  EXPECT_EQ(file_of(composed), file_of(made));
}

// The last reader does not decide alone how it is stored.
TEST_F(PlannerTest, AWeightOfSeveralNodesIsComposedWithTheMostBits) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,1,1] u> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Relu (a)
    b = Conv <pads = [1,1,1,1]> (r, w)
    y = Conv (b, u)
  })",
                      21, 10);
  Planner plans(planner(scheme_named("w4a16")), statistics(), context_);
  for (const auto* reader : {"a", "b"}) {
    std::vector<Step> steps;
    const Assignment assignment{{{reader, 8}}, {}};
    const Plan composed = plans.compose(assignment), made = plans.fit(assignment, steps);
    EXPECT_EQ(composed.encodings.weights.at("w").type, onnx::TensorProto::INT8) << reader;
    EXPECT_EQ(file_of(composed), file_of(made)) << reader;
  }
}

// Two convolutions without biases, whose weights lie on a grid of 8 bits and not on one of 4: fitting gains with 4 bits, and gives biases,
// but not with 8.
class FitKeptForOneWidth : public PlannerTest {
 protected:
  FitKeptForOneWidth() {
    model_ = text_model(R"(g (float[1,3,10,10] x) => (float[1,4,10,10] y) <float[8,3,3,3] w, float[4,8,1,1] u> {
      c = Conv <pads = [1,1,1,1]> (x, w)
      y = Conv (c, u)
    })",
                        21, 10);
    for (const auto* name : {"w", "u"}) {
      auto weight = initializer_of(model_, name);
      auto values = float_values(weight);
      const std::size_t row = values.size() / static_cast<std::size_t>(weight.dims(0));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % row == 0 ? 127.0F / 128 : std::round(values[i] * 127) / 128;
      put_initializer(model_.graph(), make_tensor(name, {weight.dims().begin(), weight.dims().end()}, values));
    }
  }

  // That both convolutions of `composed` are those of `source`: the same weight and the same bias, or none.
  static void expect_layer_of(const Plan& composed, const Plan& source, const std::string& result) {
    const auto &node = node_of(composed.model, result), &theirs = node_of(source.model, result);
    ASSERT_EQ(node.input_size(), theirs.input_size()) << result;
    for (int i = 1; i < node.input_size(); ++i) {
      EXPECT_EQ(float_values(initializer_of(composed.model, node.input(i))), float_values(initializer_of(source.model, theirs.input(i))))
          << "input " << i << " of " << result;
    }
  }
};

TEST_F(FitKeptForOneWidth, ARaisedLayerHasTheBiasOfItsOwnFitOrNone) {
  for (const auto& [scheme, changed] : {std::pair("w4a16", 8), std::pair("w8a16", 4)}) {
    Planner plans(planner(scheme_named(scheme), Level::o1), statistics(), context_);
    std::vector<Step> steps;
    const Plan other = plans.fit({{{"c", changed}, {"y", changed}}, {}}, steps);
    ASSERT_NE(node_of(plans.base().model, "c").input_size(), node_of(other.model, "c").input_size()) << "one of the fits gives biases";
    const Plan composed = plans.compose({{{"c", changed}}, {}});
    expect_layer_of(composed, other, "c");
    expect_layer_of(composed, plans.base(), "y");
    EXPECT_NO_THROW(run_model(rewrite(composed.model, composed.placement, composed.encodings).proto, random_inputs(model_.proto)));
  }
}

}  // namespace
}  // namespace quantize::test
