#include "optimize/select_ranges.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encode/multiplier.h"
#include "encode/plan_fixture.h"
#include "encode/weight_encodings.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

// Channel 0 carries rare large values, channel 1 small ones; what the reader's weights make of them decides whether clipping pays.
Model spiky(float weight_of_spikes) {
  Model model = text_model(R"(g (float[1,2,16,16] x) => (float[1,1,16,16] y) <float[1,2,1,1] w> { y = Conv (x, w) })");
  put_initializer(model.graph(), make_tensor("w", {1, 2, 1, 1}, std::vector<float>{weight_of_spikes, 1}));
  return model;
}

std::vector<Tensor> spikes(std::size_t sample) {
  std::vector<float> values(2 * 256);
  for (std::size_t i = 0; i < 256; ++i) {
    values[i] = i % 64 == sample % 64 ? 40.0F : 0.0F;
    values[256 + i] = std::sin(static_cast<float>(i + 7 * sample));
  }
  return {Tensor::of({1, 2, 16, 16}, values)};
}

Encoding chosen(const Model& model, const LoadSample& load, int* changed = nullptr, const std::string& tensor = "x") {
  Scheme scheme = scheme_named("w8a8", RangeMethod::automatic);
  PlannedGraph planned{model, place(model, find_target("ort-cpu")), {}, {}};
  planned.statistics = calibrate(model, planned.placement.observed(), load, 8, Context());
  Context context;
  planned.encodings = encode(model, planned.placement, planned.statistics, scheme, context);
  Plan plan{model, planned.placement, planned.encodings};
  const int count = select_ranges(plan, planned.statistics, {scheme, load, 8, 0}, 256, Context());
  if (changed != nullptr) *changed = count;
  return plan.encodings.activations.at(tensor);
}

TEST(SelectRanges, SpikesThatTheReaderHardlySeesAreClipped) {
  const auto seen = chosen(spiky(1), spikes), ignored = chosen(spiky(0.001F), spikes);
  EXPECT_GT(seen.high(), 39);
  EXPECT_LT(ignored.high(), 30);
}

// A Concat that only moves a group's values is no reader: what it reads from the quiet one would count as if nothing else did.
TEST(SelectRanges, WhatAConcatJoinsIsJudgedBehindIt) {
  Model model = text_model(R"(g (float[1,2,16,16] x) => (float[1,1,16,16] y)
      <float[1,2,1,1] v = {1, 0}, float[1,2,1,1] w = {0, 1}, float[1,2,1,1] u = {0.001, 1}> {
    a = Conv (x, v)
    b = Conv (x, w)
    c = Concat <axis = 1> (a, b)
    y = Conv (c, u)
  })");
  EXPECT_LT(chosen(model, spikes, nullptr, "c").high(), 30);
}

// Half the range would do for what is judged; the histogram knows of the one value that it would cut.
TEST(SelectRanges, WhatTheJudgedSamplesDoNotShowIsNotCutOff) {
  const auto one_spike = [](std::size_t sample) {
    auto tensors = spikes(64);
    auto values = tensors[0].as<float>();
    for (std::size_t i = 0; i < 256; ++i) values[i] = sample == 7 && i == 0 ? 40.0F : 0.0F;
    return tensors;
  };
  const Model model = spiky(1);
  const Scheme scheme = scheme_named("w8a8", RangeMethod::automatic);
  Plan plan{model, place(model, find_target("ort-cpu")), {}};
  const auto statistics = calibrate(model, plan.placement.observed(), one_spike, 8, Context());
  Context context;
  plan.encodings = encode(model, plan.placement, statistics, scheme, context);
  select_ranges(plan, statistics, {scheme, one_spike, 4, 0}, 64, Context());
  EXPECT_GT(plan.encodings.activations.at("x").high(), 39);
}

TEST(SelectRanges, EveryMemberOfAGroupGetsTheSameEncodingAndGraphOutputsStay) {
  Model model = text_model(
      R"(g (float[1,2,16,16] x) => (float[1,1,16,16] y, float[1,2,8,8] m) <float[1,2,1,1] w> {
    m = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x)
    y = Conv (x, w)
  })");
  Scheme scheme = scheme_named("w8a8", RangeMethod::automatic);
  auto target = find_target("ort-cpu");
  target.quantize_outputs = true;
  const auto placement = place(model, target);
  const auto statistics = calibrate(model, placement.observed(), spikes, 8, Context());
  Context context;
  Plan plan{model, placement, encode(model, placement, statistics, scheme, context)};
  const auto before = plan.encodings;
  select_ranges(plan, statistics, {scheme, spikes, 8, 0}, 64, Context());
  EXPECT_EQ(plan.encodings.activations.at("x").scale, plan.encodings.activations.at("m").scale);
  EXPECT_EQ(plan.encodings.activations.at("y").scale, before.activations.at("y").scale);
}

TEST(SelectRanges, TheInputOfASigmoidIsJudgedBehindIt) {
  const Model model = text_model(
      R"(g (float[1,2,16,16] x) => (float[1,1,16,16] y) <float[2,2,1,1] v = {1,0,0,1}, float[1,2,1,1] w> {
    a = Conv (x, v)
    s = Sigmoid (a)
    y = Conv (s, w)
  })");
  Scheme scheme = scheme_named("w8a8", RangeMethod::automatic);
  const auto placement = place(model, find_target("ort-cpu"));
  const auto statistics = calibrate(model, placement.observed(), spikes, 8, Context());
  Context context;
  Plan plan{model, placement, encode(model, placement, statistics, scheme, context)};
  EXPECT_GT(plan.encodings.activations.at("a").high(), 39);  // never clipped unseen
  EXPECT_GE(select_ranges(plan, statistics, {scheme, spikes, 8, 0}, 64, Context()), 1);
  EXPECT_LT(plan.encodings.activations.at("a").high(), 39);  // sigmoid(40) is sigmoid(12)
}

class SelectedRanges : public testing::Test {
 protected:
  // Values whose range is beyond doubt: as many at both ends as elsewhere.
  static std::vector<Tensor> steps(std::size_t sample) {
    std::vector<float> values(2 * 256);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 37 + sample) % 5) - 2;
    return {Tensor::of({1, 2, 16, 16}, values)};
  }

  SelectedRanges(const Model& model, LoadSample load, const std::string& target) : load_(std::move(load)) {
    scheme_ = scheme_named("w8a8", RangeMethod::automatic).adapted_to(find_target(target));
    plan_ = {model, place(model, find_target(target)), {}};
    statistics_ = calibrate(model, plan_.placement.observed(), load_, 8, Context());
    Context context;
    plan_.encodings = encode(model, plan_.placement, statistics_, scheme_, context);
  }
  SelectedRanges() : SelectedRanges(spiky(0.001F), spikes, "qnn") {}

  int select() { return select_ranges(plan_, statistics_, {scheme_, load_, 8, 0}, 256, Context()); }

  LoadSample load_;
  Scheme scheme_;
  Plan plan_;
  Statistics statistics_;
};

// Raised for the old range of x already, they would be up to four times too coarse for the new one.
TEST_F(SelectedRanges, WeightScalesFollowTheNewRangesAlone) {
  auto& weight = plan_.encodings.weights.at("w");
  const float before = plan_.encodings.activations.at("x").scale[0];
  ASSERT_GE(select(), 1);
  ASSERT_LT(plan_.encodings.activations.at("x").scale[0], before);
  Encodings fresh{plan_.encodings.activations, {}};
  const GraphIndex index(plan_.model.graph());
  Context context;
  encode_weights(index, plan_.placement, scheme_, fresh, context);
  shorten_multipliers(index, plan_.placement, fresh);
  EXPECT_EQ(weight.scale, fresh.weights.at("w").scale);
}

TEST_F(SelectedRanges, WeightsOfSevenBitsStayWhatTheyAre) {
  auto& weight = plan_.encodings.weights.at("w");
  weight.largest = {63};
  weight.scale[0] *= 2;
  const float narrowed = weight.scale[0];
  ASSERT_GE(select(), 1);
  EXPECT_EQ(weight.largest, (std::vector<std::int32_t>{63}));
  EXPECT_GE(weight.scale[0], narrowed);
}

class ShiftedRange : public SelectedRanges {
 protected:
  ShiftedRange() : SelectedRanges(spiky(1), steps, "ort-cpu") {}
};

TEST_F(ShiftedRange, AZeroPointThatChangesAloneCounts) {
  (void)select();
  auto& encoding = plan_.encodings.activations.at("x");
  const Encoding best = encoding;
  encoding.zero_point[0] -= 40;
  EXPECT_EQ(select(), 1);
  EXPECT_EQ(encoding.zero_point, best.zero_point);
  EXPECT_EQ(encoding.scale, best.scale) << "or this test shows nothing";
}

// In double precision once, and in single precision by each option that is judged.
TEST(RangeBytes, TheWeightsOfAWideOperatorCount) {
  const Model model = text_model("g (float[1,1024,2,2] x) => (float[1,1024,2,2] y) <float[1024,1024,1,1] w> { y = Conv (x, w) }");
  const Plan plan{model, place(model, find_target("ort-cpu")), {}};
  const auto bytes = [&](unsigned threads) {
    Context context;
    context.threads = threads;
    return range_bytes(plan, 4, 0, 128, context);
  };
  constexpr std::size_t weights = 1024 * 1024;
  EXPECT_GE(bytes(1), 12 * weights);
  EXPECT_GE(bytes(4) - bytes(1), 3 * 4 * weights);
  EXPECT_LT(bytes(4), 30 * weights);
  EXPECT_EQ(bytes(10), bytes(64)) << "there are no more options";
}

}  // namespace
}  // namespace quantize::test
