#include "encode/overrides.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "encode/plan_fixture.h"
#include "support/error_text.h"

namespace quantize::test {
namespace {

using Proto = onnx::TensorProto;

constexpr const char* chain = R"(g (float[1,3,8,8] x) => (float[1,5,4,4] y) <float[4,3,3,3] w1, float[4] b1, float[5,4,1,1] w2> {
  t = Conv <pads = [1,1,1,1]> (x, w1, b1)  r = Relu (t)  m = MaxPool <kernel_shape = [2,2], strides = [2,2]> (r)  y = Conv (m, w2)
})";

struct Overridden {
  PlannedGraph plan = plan_graph(text_model(chain), scheme_named("w8a8"));
  Context context;

  Encodings& apply(const Overrides& overrides) {
    apply_overrides(plan.encodings, plan.prepared, plan.placement, plan.statistics, scheme_named("w8a8"), overrides, "file", context);
    return plan.encodings;
  }
};

TensorOverride final_scale(ElementType type, std::vector<float> scale, std::vector<std::int32_t> zero_point) {
  return {.type = type, .symmetry = {}, .low = {}, .high = {}, .scale = std::move(scale), .zero_point = std::move(zero_point)};
}

TEST(ApplyOverrides, TakesScalesAsTheyAreForAllThatShareThem) {
  Overridden it;
  const auto& encodings = it.apply({{"m", final_scale(Proto::UINT8, {0.25F}, {7})}, {"w2", final_scale(Proto::INT8, {0.5F}, {0})}});
  for (const char* name : {"r", "m"}) {
    EXPECT_EQ(encodings.activations.at(name).scale, std::vector<float>{0.25F}) << name;
    EXPECT_EQ(encodings.activations.at(name).zero_point, std::vector<std::int32_t>{7}) << name;
  }
  EXPECT_EQ(encodings.weights.at("w2").scale, std::vector<float>{0.5F});
  EXPECT_EQ(encodings.weights.at("w2").axis, -1);
  EXPECT_EQ(encodings.weights.at("w2").method, "imported");
  EXPECT_NE(encodings.weights.at("w1").method, "imported");
  EXPECT_TRUE(it.context.warnings().empty());
}

TEST(ApplyOverrides, ChangesTypeSymmetryAndRangeAlone) {
  Overridden it;
  Overrides overrides;
  overrides["x"] = {.type = Proto::INT16, .symmetry = Symmetry::symmetric, .low = {}, .high = 3.2767, .scale = {}, .zero_point = {}};
  const auto& encoding = it.apply(overrides).activations.at("x");
  EXPECT_EQ(encoding.type, Proto::INT16);
  EXPECT_EQ(encoding.zero_point[0], 0);
  EXPECT_FLOAT_EQ(encoding.scale[0], 3.2767F / 32767);  // of the largest magnitude: random inputs lie between -2 and 2
  EXPECT_EQ(lowest_opset(overrides), 21);
  EXPECT_EQ(lowest_opset({{"x", {}}}), 13);
}

TEST(ApplyOverrides, PrefersWhoMakesTheValuesAndWarnsOfContradictions) {
  Overridden it;
  const auto& encodings = it.apply({{"m", final_scale(Proto::UINT8, {0.25F}, {0})}, {"r", final_scale(Proto::UINT8, {0.5F}, {0})}});
  EXPECT_EQ(encodings.activations.at("m").scale[0], 0.5F);
  ASSERT_EQ(it.context.warnings().size(), 1U);
  EXPECT_NE(it.context.warnings()[0].find("1 encodings contradict"), std::string::npos) << it.context.warnings()[0];
}

TEST(ApplyOverrides, WarnsOfWhatItCannotUse) {
  Overridden it;
  it.apply({{"x", final_scale(Proto::UINT8, {0.5F}, {0})}, {"y", final_scale(Proto::UINT8, {0.5F}, {0})}, {"gone", {}}});
  ASSERT_EQ(it.context.warnings().size(), 2U);
  EXPECT_NE(it.context.warnings()[0].find("the prepared model does not have (the first: 'gone')"), std::string::npos);
  EXPECT_NE(it.context.warnings()[1].find("that stay float (the first: 'y')"), std::string::npos);
}

TEST(ApplyOverrides, RefusesWhatDoesNotFit) {
  const auto refuses = [](const Overrides& overrides, const std::string& why) {
    Overridden it;
    expect_refusal([&] { it.apply(overrides); }, ErrorKind::data, "file: tensor " + why);
  };
  refuses({{"another_model", {}}}, "'another_model' is not in the model, nor is any other");
  refuses({{"w1", final_scale(Proto::INT8, {1, 2, 3}, {0, 0, 0})}}, "'w1' has 4 output channels, and 3 scales are given");
  refuses({{"w1", final_scale(Proto::INT8, {1}, {3})}}, "'w1' is a weight with a zero point that is not 0");
  refuses({{"w1", final_scale(Proto::UINT8, {1}, {0})}}, "'w1' is a weight of type uint8");
  refuses({{"w1", final_scale(Proto::UINT8, {}, {})}}, "'w1' is a weight of type uint8");
  refuses({{"x", final_scale(Proto::UINT8, {1, 2}, {0, 0})}}, "'x' is an activation and takes one scale, not 2");
  refuses({{"x", final_scale(Proto::UINT8, {1}, {256})}}, "'x' has a zero point that uint8 cannot hold: 256");
  refuses({{"x", final_scale(Proto::UINT8, {1e-6F}, {0})}, {"w1", final_scale(Proto::INT8, {1e-6F}, {0})}},
          "'w1' has a scale so small that its bias does not fit into int32");
}

constexpr const char* scaled = R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,1,1] k, float[2,2,1,1] v> {
  a = Conv (x, w)  m = Mul (a, k)  y = Conv (m, v)
})";

Encodings overridden(const char* text, const Overrides& overrides, const std::string& target, RangeMethod method = RangeMethod::minmax) {
  auto plan = plan_graph(text_model(text, 21, 10), scheme_named("w8a8", method), find_target(target));
  Context context;
  apply_overrides(plan.encodings, plan.prepared, plan.placement, plan.statistics, scheme_named("w8a8", method), overrides, "file", context);
  EXPECT_TRUE(context.warnings().empty());
  return plan.encodings;
}

TensorOverride of_type(ElementType type) { return {.type = type, .symmetry = {}, .low = {}, .high = {}, .scale = {}, .zero_point = {}}; }

TEST(ApplyOverrides, ConstantsFollowTheTypesOfWhatTheyMeet) {
  const auto encodings = overridden(scaled, {{"a", of_type(Proto::UINT16)}, {"m", of_type(Proto::UINT16)}}, "ort-cpu");
  EXPECT_EQ(encodings.activations.at("k").type, Proto::UINT16);
  EXPECT_EQ(overridden(scaled, {{"x", of_type(Proto::UINT16)}}, "ort-cpu").activations.at("k").type, Proto::UINT8);
}

TEST(ApplyOverrides, ConstantsTakeTypesAndRanges) {
  TensorOverride wanted = of_type(Proto::INT8);
  wanted.symmetry = Symmetry::symmetric;
  wanted.high = 12.7;
  const auto encoding = overridden(scaled, {{"k", wanted}}, "ort-cpu").activations.at("k");
  EXPECT_EQ(encoding.type, Proto::INT8);
  EXPECT_FLOAT_EQ(encoding.scale[0], 0.1F);
  EXPECT_EQ(encoding.method, "imported");
}

// Ranges for 8 bits cut off what is rare.
TEST(ApplyOverrides, ARangeIsChosenForTheTypeThatIsAskedFor) {
  const auto encodings = overridden(scaled, {{"a", of_type(Proto::UINT16)}}, "ort-cpu", RangeMethod::automatic);
  const auto plan = plan_graph(text_model(scaled), scheme_named("w8a8"));
  const auto& seen = plan.statistics.at("a");
  EXPECT_NEAR(encodings.activations.at("a").high(), 1.25 * std::max<double>(seen.max, 0), 1e-3);
  EXPECT_NEAR(encodings.activations.at("a").low(), 1.25 * std::min<double>(seen.min, 0), 1e-3);
}

TEST(ApplyOverrides, MultipliersAreShortenedForTheEncodingsImported) {
  const Overrides overrides = {{"x", final_scale(Proto::UINT8, {0.013F}, {100})}, {"w2", final_scale(Proto::INT8, {0.0123F}, {0})}};
  const auto encodings = overridden(chain, overrides, "qnn");
  const auto& activations = encodings.activations;
  for (const float scale : encodings.weights.at("w1").scale) {
    const double multiplier = static_cast<double>(scale) * activations.at("x").scale[0] / activations.at("r").scale[0];
    EXPECT_NEAR(std::log2(multiplier), std::nearbyint(std::log2(multiplier)), 1e-4);
  }
  EXPECT_EQ(encodings.weights.at("w2").scale, std::vector<float>{0.0123F}) << "imported scales are final";
}

}  // namespace
}  // namespace quantize::test
