// From a target to a plan.
#include "mixed/mixed_precision.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "mixed/file_bytes.h"
#include "mixed/mixed_fixture.h"
#include "model/payload.h"
#include "rewrite/rewrite.h"
#include "run/session_as_target.h"

namespace quantize::test {
namespace {

class MixPrecision : public MixedFixture {
 protected:
  Mixed mix(const Scheme& scheme, const std::map<std::string, double>& reach, const std::map<std::string, double>& budget = {},
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
  Mixed mix(const std::string& scheme, const std::map<std::string, double>& reach, const std::map<std::string, double>& budget = {},
            Level level = Level::o0) {
    return mix(scheme_named(scheme), reach, budget, level);
  }
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

// Float weights reach anything, but an assignment of nothing else is no quantized model, and --assignment refuses it.
TEST_F(MixPrecision, ATargetThatOnlyTheFloatModelReachesIsNotReached) {
  const Mixed mixed = mix("w8a8", {{"psnr", 119}});
  EXPECT_FALSE(mixed.facts.reached);
  EXPECT_FALSE(mixed.plan.placement.weighted.empty());
  EXPECT_FALSE(mixed.assignment.empty()) << "the nearest";
  EXPECT_GT(mixed.facts.reach[0].after, mixed.facts.reach[0].before);
  EXPECT_NE(mixed.steps.back().outcome.find("the target is not reached"), std::string::npos);
  EXPECT_NO_THROW(check_assignment(mixed.assignment, place(model_, target_)));
}

// With ranges chosen by measurement, too.
TEST_F(MixPrecision, WhatIsWrittenIsWhatWasJudged) {
  heavy_tails_ = true;
  const Scheme scheme = Scheme::named("w8a8");
  const Reference reference(model_.proto, held_out(), 4, ClassAxis::first, context_);
  const auto psnr_of = [&](const Plan& plan) {
    return reference.judge(rewrite(plan.model, plan.placement, plan.encodings).proto, session_as_target(target_)).psnr_db;
  };
  const Mixed plain = mix(scheme, {{"psnr", 1}}, {}, Level::o2);
  ASSERT_TRUE(plain.facts.raised.empty());
  EXPECT_EQ(psnr_of(plain.plan), plain.facts.reach[0].after);
  const Mixed mixed = mix(scheme, {{"psnr", plain.facts.reach[0].after + 1}}, {}, Level::o2);
  ASSERT_FALSE(mixed.facts.raised.empty());
  EXPECT_EQ(psnr_of(mixed.plan), mixed.facts.reach[0].after);
}

TEST_F(MixPrecision, ARuntimeWithoutWideActivationsIsGivenNone) {
  for (const auto& target : targets()) EXPECT_EQ(target.wide_activations, !target.refused.contains("w8a16")) << target.name;
  target_ = find_target("tensorrt");
  const Mixed mixed = mix("w8a8", {{"psnr", 60}});
  ASSERT_FALSE(mixed.facts.raised.empty());
  for (const auto& raise : mixed.facts.raised) EXPECT_EQ(raise.kind, "weights") << raise.name;
}

TEST_F(MixPrecision, ThatOtherOutputsDoNotCountIsSaid) {
  mix("w8a8", {{"psnr", 1}});
  EXPECT_TRUE(context_.notes().empty());
  model_.graph().add_output()->set_name("s");
  mix("w8a8", {{"psnr", 1}});
  ASSERT_EQ(context_.notes().size(), 1U);
  EXPECT_NE(context_.notes()[0].find("the first output, 'y', of 2"), std::string::npos) << context_.notes()[0];
}

// On a CPU whose 8-bit kernels cut sums of 16 bits they say nothing of an NPU, which is measured in float in the end.
TEST_F(MixPrecision, FiguresAreTakenAsTheReportTakesThemForTheTarget) {
  for (const auto* name : {"ort-cpu", "qnn"}) {
    target_ = find_target(name);
    const Planner plans(planner(scheme_named("w8a8")), statistics(), context_);
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
  const Planner plans(planner(scheme_named("w8a8")), statistics(), context_);
  const auto& [model, placement, encodings] = plans.base();
  const auto fp32 = static_cast<double>(model_.proto.ByteSizeLong());
  const double made_from = static_cast<double>(stored_bytes(rewrite(model, placement, encodings).proto)) / fp32;
  const double file = static_cast<double>(file_bytes(plans.base(), target_)) / fp32;
  ASSERT_LT(file, made_from) << "names are shortened, equal initializers become one";
  const Mixed mixed = mix("w8a8", {{"psnr", 1}}, {{"size", (file + made_from) / 2}});
  EXPECT_DOUBLE_EQ(mixed.facts.cost[0].before, file);
}

}  // namespace
}  // namespace quantize::test
