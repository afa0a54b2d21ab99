// From a target to a plan, on a small network one of whose activations needs more than 8 bits.
#include "mixed/mixed_precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "encode/plan_fixture.h"
#include "mixed/file_bytes.h"
#include "model/edit.h"
#include "model/payload.h"
#include "rewrite/rewrite.h"
#include "run/session_as_target.h"

namespace quantize::test {
namespace {

constexpr const char* net = R"(g (float[1,3,10,10] x) => (float[1,4,10,10] y)
    <float[8,3,3,3] w, float[8] b, float[8,8,3,3] v, float[8] e, float[4,8,1,1] u> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  c = Conv <pads = [1,1,1,1]> (r, v, e)
  s = Relu (c)
  y = Conv (s, u)
})";

// One channel of r is so large that 8 bits for all of them leave little for the others, and its readers make it small again.
Model uneven_net() {
  Model model = text_model(net, 21, 10);
  auto w = float_values(initializer_of(model, "w")), v = float_values(initializer_of(model, "v"));
  for (std::size_t i = 0; i < 27; ++i) w[i] *= 200;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i / 9 % 8 == 0) v[i] /= 200;
  }
  put_initializer(model.graph(), make_tensor("w", {8, 3, 3, 3}, w));
  put_initializer(model.graph(), make_tensor("v", {8, 8, 3, 3}, v));
  return model;
}

class MixPrecision : public testing::Test {
 protected:
  PlannerInput planner(const std::string& scheme, Level level = Level::o0) {
    return {model_, target_, {}, {scheme_named(scheme), random_samples(model_), 8, 1}, level};
  }
  Statistics statistics() const { return observe_all(model_, place(model_, target_).observed(), 8); }
  LoadSample held_out() const {
    return [this](std::size_t i) { return random_samples(model_)(100 + i); };
  }
  Mixed mix(const std::string& scheme, const std::map<std::string, double>& reach, const std::map<std::string, double>& budget = {},
            Level level = Level::o0) {
    return mix_precision({.planner = planner(scheme, level),
                          .written_for = target_,
                          .goals = {reach, budget},
                          .held_out = held_out(),
                          .held_out_samples = 4,
                          .axis = ClassAxis::first,
                          .fp32_bytes = model_.proto.ByteSizeLong()},
                         statistics(), context_);
  }

  Model model_ = uneven_net();
  Target target_ = find_target("ort-cpu");
  Context context_;
};

TEST_F(MixPrecision, TheUnevenActivationIsRaisedAndTheTargetReached) {
  const Mixed plain = mix("w8a8", {{"psnr", 1}});
  ASSERT_TRUE(plain.facts.raised.empty());
  const double wanted = plain.facts.reach[0].after + 6;
  const Mixed mixed = mix("w8a8", {{"psnr", wanted}});
  EXPECT_TRUE(mixed.facts.reached);
  EXPECT_GE(mixed.facts.reach[0].after, wanted);
  EXPECT_EQ(mixed.assignment.activations.at("r"), 16);
  EXPECT_LE(mixed.facts.raised.size(), 2U);
  EXPECT_EQ(mixed.plan.encodings.activations.at("r").type, onnx::TensorProto::UINT16);
  EXPECT_GT(mixed.facts.cost[1].after, mixed.facts.cost[1].before) << "16 bits take time on a CPU";
}

TEST_F(MixPrecision, FourBitWeightsBecomeEightWhereTheyMatter) {
  const Mixed plain = mix("w4a16", {{"psnr", 1}}, {}, Level::o1);
  ASSERT_TRUE(plain.facts.raised.empty());
  const Mixed mixed = mix("w4a16", {{"psnr", plain.facts.reach[0].after + 1}}, {}, Level::o1);
  EXPECT_TRUE(mixed.facts.reached);
  ASSERT_FALSE(mixed.facts.raised.empty());
  for (const auto& raise : mixed.facts.raised) EXPECT_EQ(raise.from + raise.to, "W4W8") << raise.name;
}

TEST_F(MixPrecision, AnUnreachableTargetIsReportedNotHidden) {
  const Mixed mixed = mix("w8a8", {{"psnr", 190}}, {{"latency", 0.75}});
  EXPECT_FALSE(mixed.facts.reached);
  EXPECT_LE(mixed.facts.cost[1].after, 0.75);
  ASSERT_FALSE(context_.warnings().empty());
  EXPECT_NE(context_.warnings().back().find("instead of at least 190"), std::string::npos);
}

TEST_F(MixPrecision, AModelWithNothingLeftToQuantizeIsWarnedOf) {
  const Mixed mixed = mix("w8a8", {{"psnr", 119}});
  ASSERT_TRUE(mixed.plan.placement.weighted.empty());
  const auto warnings = context_.warnings();
  EXPECT_TRUE(std::ranges::any_of(warnings, [](const auto& text) { return text.find("nothing is quantized") != std::string::npos; }));
  EXPECT_NE(mixed.steps.back().outcome.find("nothing is left to be quantized"), std::string::npos);
}

// On a CPU whose 8-bit kernels cut sums of 16 bits they say nothing of an NPU, which is measured in float in the end.
TEST_F(MixPrecision, FiguresAreTakenAsTheReportTakesThemForTheTarget) {
  for (const auto* name : {"ort-cpu", "qnn"}) {
    target_ = find_target(name);
    const Planner plans(planner("w8a8"), statistics(), context_);
    const auto& [model, placement, encodings] = plans.base();
    const Reference reference(model_.proto, held_out(), 4, ClassAxis::first, context_);
    const auto expected = reference.judge(rewrite(model, placement, encodings).proto, session_as_target(target_));
    EXPECT_EQ(mix("w8a8", {{"psnr", 1}}).facts.reach[0].before, expected.psnr_db) << name;
  }
  EXPECT_TRUE(session_as_target(find_target("ort-cpu")).fuse_quantized);
  EXPECT_FALSE(session_as_target(find_target("qnn")).fuse_quantized);
}

TEST_F(MixPrecision, ABudgetBelowTheSchemeItselfIsRefused) { EXPECT_THROW(mix("w8a8", {{"psnr", 40}}, {{"size", 0.01}}), Error); }

TEST_F(MixPrecision, ABudgetBetweenTheFileAndWhatItIsMadeFromIsKept) {
  model_ = text_model(
      R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,3,3] backbone_stage1_block0_conv1_weight, float[8,8,1,1] head_weight> {
    backbone_stage1_block0_conv1_output = Conv <pads = [1,1,1,1]> (x, backbone_stage1_block0_conv1_weight)
    backbone_stage1_block0_relu1_output = Relu (backbone_stage1_block0_conv1_output)
    y = Conv (backbone_stage1_block0_relu1_output, head_weight)
  })",
      21, 10);
  target_.point_products = false;  // which needs more nodes
  const Planner plans(planner("w8a8"), statistics(), context_);
  const auto& [model, placement, encodings] = plans.base();
  const auto fp32 = static_cast<double>(model_.proto.ByteSizeLong());
  const double made_from = static_cast<double>(stored_bytes(rewrite(model, placement, encodings).proto)) / fp32;
  const double file = static_cast<double>(file_bytes(plans.base(), target_)) / fp32;
  ASSERT_LT(file, made_from) << "names are shortened, equal initializers become one";
  const Mixed mixed = mix("w8a8", {{"psnr", 1}}, {{"size", (file + made_from) / 2}});
  EXPECT_DOUBLE_EQ(mixed.facts.cost[0].before, file);
}

TEST_F(MixPrecision, WithoutFittingAComposedPlanIsTheOneMadeFromScratch) {
  Planner plans(planner("w4a16"), statistics(), context_);
  const Assignment assignment{{{"c", 8}, {"y", float_bits}}, {}};
  std::vector<Step> steps;
  const Plan composed = plans.compose(assignment), made = plans.fit(assignment, steps);
  EXPECT_EQ(serialize(rewrite(composed.model, composed.placement, composed.encodings).proto),
            serialize(rewrite(made.model, made.placement, made.encodings).proto));
}

// The last reader does not decide alone how it is stored.
TEST_F(MixPrecision, AWeightOfSeveralNodesIsComposedWithTheMostBits) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,1,1] u> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Relu (a)
    b = Conv <pads = [1,1,1,1]> (r, w)
    y = Conv (b, u)
  })",
                      21, 10);
  Planner plans(planner("w4a16"), statistics(), context_);
  for (const auto* reader : {"a", "b"}) {
    std::vector<Step> steps;
    const Assignment assignment{{{reader, 8}}, {}};
    const Plan composed = plans.compose(assignment), made = plans.fit(assignment, steps);
    EXPECT_EQ(composed.encodings.weights.at("w").type, onnx::TensorProto::INT8) << reader;
    EXPECT_EQ(serialize(rewrite(composed.model, composed.placement, composed.encodings).proto),
              serialize(rewrite(made.model, made.placement, made.encodings).proto))
        << reader;
  }
}

// Two convolutions without biases, whose weights lie on a grid of 8 bits and not on one of 4: fitting gains with 4 bits, and gives biases,
// but not with 8.
class FitKeptForOneWidth : public MixPrecision {
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
    Planner plans(planner(scheme, Level::o1), statistics(), context_);
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
