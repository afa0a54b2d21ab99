#include "encode/hazards.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/edit.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"
#include "support/step_tolerance.h"

namespace quantize::test {
namespace {

using Notes = std::vector<std::string>;

constexpr const char* two_convolutions =
    R"(g (float[1,4,6,6] x) => (float[1,4,6,6] y) <float[4,4,3,3] w, float[4] b, float[4,4,1,1] v, float[4] c> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  y = Conv (r, v, c)
})";

void scale_channel(Model& model, const std::string& name, std::size_t channel, float factor) {
  const auto& tensor = initializer_of(model, name);
  const Shape shape = shape_of(tensor);
  auto values = float_values(tensor);
  const std::size_t slice = values.size() / static_cast<std::size_t>(shape[0]);
  for (std::size_t i = channel * slice; i < (channel + 1) * slice; ++i) values[i] *= factor;
  put_initializer(model.graph(), make_tensor(name, shape, values));
}

struct Encoded {
  PlannedGraph plan;
  Notes notes, warnings;
  std::string defect;  // what the quantized model does that its steps do not explain
};

Encoded encode_all(const Model& model, const Scheme& scheme, const Target& target = find_target("ort-cpu")) {
  Encoded result{plan_graph(model, scheme, target), {}, {}, ""};
  Context context;
  result.plan.encodings = encode(result.plan.prepared, result.plan.placement, result.plan.statistics, scheme, context);
  result.notes = context.notes();
  result.warnings = context.warnings();
  const Model quantized = rewrite(result.plan.prepared, result.plan.placement, result.plan.encodings);
  const auto inputs = random_inputs(model.proto);
  result.defect = beyond_steps(quantized.proto, inputs, run_model(model.proto, inputs));
  return result;
}

class HazardsOfAScheme : public testing::TestWithParam<const char*> {
 protected:
  Scheme scheme = scheme_named(GetParam());
  Model model = text_model_for(scheme, two_convolutions);
};
INSTANTIATE_TEST_SUITE_P(Schemes, HazardsOfAScheme, testing::Values("w8a8", "w8a16", "w4a16"));

TEST_P(HazardsOfAScheme, NothingIsSaidOfAHealthyModel) {
  const auto result = encode_all(model, scheme);
  EXPECT_EQ(result.notes, Notes{});
  EXPECT_EQ(result.warnings, Notes{});
  EXPECT_EQ(result.defect, "");
}

TEST_P(HazardsOfAScheme, AChannelOfZerosKeepsItsBias) {
  scale_channel(model, "w", 1, 0);
  const auto result = encode_all(model, scheme);
  EXPECT_EQ(result.notes, Notes{"Conv (output 'a'): 1 channel of the weights is zero; the scale follows the bias"});
  EXPECT_EQ(result.defect, "");
  const double bias = std::fabs(static_cast<double>(float_values(initializer_of(model, "b"))[1]));
  const double step = static_cast<double>(result.plan.encodings.weights.at("w").scale[1]) *
                      static_cast<double>(result.plan.encodings.activations.at("x").scale[0]);
  EXPECT_NEAR(bias / step, 1 << 24, 16);
}

TEST_P(HazardsOfAScheme, AllWeightsZero) {
  for (std::size_t channel = 0; channel < 4; ++channel) scale_channel(model, "w", channel, 0);
  scheme.weights = Granularity::per_tensor;
  const auto result = encode_all(model, scheme);
  EXPECT_EQ(result.notes[0], "Conv (output 'a'): all weights are zero; the scale follows the bias");
  EXPECT_EQ(result.defect, "");
}

TEST_P(HazardsOfAScheme, ANearlyZeroChannelDoesNotOverflowItsBias) {
  for (const float factor : {1e-12F, 1e-30F, 1e-37F}) {
    Model tiny = model;
    scale_channel(tiny, "w", 2, factor);
    const auto result = encode_all(tiny, scheme);
    EXPECT_EQ(result.notes, Notes{"Conv (output 'a'): the weight scale of 1 channel was raised so that the bias fits int32"}) << factor;
    EXPECT_EQ(result.defect, "") << factor;
  }
}

TEST_P(HazardsOfAScheme, OneChannelFarAboveTheOthersHasAScaleOfItsOwn) {
  scale_channel(model, "w", 3, 5000);
  const auto result = encode_all(model, scheme);
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_NE(result.notes[0].find("the weights of channel 3 are"), std::string::npos) << result.notes[0];
  EXPECT_EQ(result.defect, "");
  scheme.weights = Granularity::per_tensor;
  const auto shared = encode_all(model, scheme);
  ASSERT_EQ(shared.warnings.size(), 1U);
  EXPECT_NE(shared.warnings[0].find("use --weights per-channel"), std::string::npos);
}

// Its second axis is that of the output channels.
TEST(Hazards, OfATransposedConvolutionChannelsAreCountedAlongItsOwnAxis) {
  Model transposed = text_model("g (float[1,4,6,6] x) => (float y) <float[4,3,1,1] w> { y = ConvTranspose (x, w) }");
  auto values = float_values(initializer_of(transposed, "w"));
  for (std::size_t i = 2; i < values.size(); i += 3) values[i] *= 1e5F;
  put_initializer(transposed.graph(), make_tensor("w", {4, 3, 1, 1}, values));
  Scheme scheme = scheme_named("w8a8");
  scheme.weights = Granularity::per_tensor;
  const auto plan = plan_graph(transposed, scheme);
  Context context;
  encode(plan.prepared, plan.placement, plan.statistics, scheme, context);
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_NE(context.warnings()[0].find("the weights of channel 2 are"), std::string::npos) << context.warnings()[0];
}

TEST_P(HazardsOfAScheme, AConstantActivationIsExact) {
  for (std::size_t channel = 0; channel < 4; ++channel) scale_channel(model, "w", channel, 0);
  put_initializer(model.graph(), make_tensor("b", {4}, std::vector<float>{0.7F, 0.7F, 0.7F, 0.7F}));
  const auto result = encode_all(model, scheme);
  ASSERT_EQ(result.notes.size(), 2U);
  EXPECT_EQ(result.notes[0], "activation 'r' was 0.7 in all of calibration; its encoding holds that value and zero exactly");
  EXPECT_NEAR(result.plan.encodings.activations.at("r").high(), 0.7, 1e-6);
  EXPECT_EQ(result.defect, "");
}

TEST_P(HazardsOfAScheme, AnActivationThatIsAlwaysZeroKeepsItsReadersBiases) {
  put_initializer(model.graph(), make_tensor("b", {4}, std::vector<float>{-1e3F, -1e3F, -1e3F, -1e3F}));
  const auto result = encode_all(model, scheme);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("activation 'r' was zero in all of calibration"), std::string::npos);
  EXPECT_NEAR(result.plan.encodings.activations.at("r").high(), 1, 1e-6);
  EXPECT_EQ(result.defect, "");
}

TEST_P(HazardsOfAScheme, KnownAndOneSidedRangesAreExact) {
  const Model fixed = text_model_for(scheme, R"(g (float[1,4,6,6] x) => (float[1,4,6,6] y) <float[4,4,1,1] w, float[4,4,1,1] v> {
    a = Conv (x, w)
    s = Sigmoid (a)
    h = HardSigmoid (a)
    m = Softmax <axis = 1> (a)
    t = Tanh (a)
    r = Relu (a)
    b = Add (s, h)
    c = Add (m, t)
    d = Add (b, c)
    e = Add (d, r)
    y = Conv (e, v)
  })");
  const auto result = encode_all(fixed, scheme, {.name = "all", .summary = "", .float_operators = {}});
  EXPECT_EQ(result.defect, "");
  const auto& encodings = result.plan.encodings.activations;
  for (const char* name : {"s", "h", "m"}) {
    EXPECT_EQ(encodings.at(name).zero_point[0], 0) << name;
    EXPECT_NEAR(encodings.at(name).high(), 1, 1e-6) << name;
    EXPECT_EQ(encodings.at(name).method, "fixed range");
  }
  EXPECT_NEAR(encodings.at("t").high() - encodings.at("t").low(), 2, 1e-6);
  EXPECT_EQ(encodings.at("r").low(), 0);
  EXPECT_EQ(encodings.at("r").zero_point[0], 0);
}

TEST(SolveActivationHazards, ARangeThatSaturatesTooMuchIsWidened) {
  std::vector<float> values;
  for (int i = 0; i <= 1000; ++i) values.push_back(static_cast<float>(i) / 1000);
  Context context;
  const Range range = solve_activation_hazards({0, 0.5}, statistics_of(values), {}, "t", context);
  EXPECT_EQ(range.low, 0);
  EXPECT_NEAR(range.high, 0.995, 0.002);  // half a percent at each end may go
  ASSERT_EQ(context.notes().size(), 1U);
  EXPECT_EQ(context.notes()[0].find("activation 't' would have been saturated in 5"), 0U) << context.notes()[0];
  const Range kept = solve_activation_hazards({0, 0.995}, statistics_of(values), {}, "t", context);
  EXPECT_EQ(kept.high, 0.995);
  EXPECT_EQ(context.notes().size(), 1U);
}

TEST(SolveActivationHazards, ValuesAtTheEndAreInside) {
  Context context;
  EXPECT_EQ(solve_activation_hazards({0, 6}, statistics_of(std::vector<float>{0, 1, 2, 6, 6, 6}), {}, "t", context).high, 6);
  EXPECT_TRUE(context.notes().empty());
}

// What a network finds may be nothing in every picture.
TEST(SolveActivationHazards, ATensorThatHeldNoValueIsNamed) {
  Context context;
  EXPECT_EQ(solve_activation_hazards({0, 0}, TensorStatistics(), {}, "t", context).high, 1);
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_EQ(context.warnings()[0].find("activation 't' held no value in all of calibration"), 0U);
}

// -50 behind a HardSwish counts as -3: that the tensor was -3 would not be true.
TEST(SolveActivationHazards, ValuesThatReadersDoNotTellApartAreNoConstant) {
  Context context;
  const std::pair distinct(-3.0F, std::numeric_limits<float>::infinity());
  TensorStatistics statistics = statistics_of(std::vector<float>{-50, -49, -48});
  statistics.confine(distinct.first, distinct.second);
  solve_activation_hazards({-3, 0}, statistics, distinct, "t", context);
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_EQ(context.warnings()[0].find("activation 't' never left what all that read it saturate at"), 0U);
  Context inside;
  solve_activation_hazards({0, 0.5}, statistics_of(std::vector<float>{0.5F, 0.5F}), distinct, "t", inside);
  EXPECT_TRUE(inside.warnings().empty()) << "a constant, of which there is a note";
}

TEST(EncodeZeroChannels, WithoutBiasTakeTheLargestScale) {
  Encoding weight{onnx::TensorProto::INT8, 0, {0.5F, 1.0F, 0.25F}, {0, 0, 0}, ""};
  const std::vector<float> values = {63.5F, 1, 0, 0, -31.75F, 0};
  EXPECT_EQ(encode_zero_channels(weight, values, {3, 2}, {}, 1), 1);
  EXPECT_EQ(weight.scale, (std::vector<float>{0.5F, 0.5F, 0.25F}));
}

TEST(EncodeZeroChannels, ASecondReaderKeepsTheLargerScale) {
  Encoding weight{onnx::TensorProto::INT8, 0, {0.5F, 1.0F}, {0, 0}, ""};
  const std::vector<float> values = {63.5F, 0};
  encode_zero_channels(weight, values, {2, 1}, std::vector<float>{0, 8}, 1);
  const float first = weight.scale[1];
  encode_zero_channels(weight, values, {2, 1}, std::vector<float>{0, 0.001F}, 1);
  EXPECT_EQ(weight.scale[1], first);
  EXPECT_EQ(first, 0x1p-21F);
}

}  // namespace
}  // namespace quantize::test
