#include "encode/encodings.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <random>

#include "base/error.h"
#include "encode/hazards.h"
#include "encode/weight_encodings.h"
#include "plan_fixture.h"

namespace quantize::test {
namespace {

using Proto = onnx::TensorProto;
constexpr ElementType activation_types[] = {Proto::UINT8, Proto::INT8, Proto::UINT16, Proto::INT16};

TEST(EncodeRange, AsymmetricByHand) {
  const Encoding one = encode_range({-1, 1.55}, Proto::UINT8, Symmetry::asymmetric);
  EXPECT_FLOAT_EQ(one.scale[0], 0.01F);  // 2.55 / 255
  EXPECT_EQ(one.zero_point[0], 100);
  EXPECT_EQ(one.axis, -1);
  const Encoding positive = encode_range({2, 5.1}, Proto::UINT8, Symmetry::asymmetric);  // widened to hold zero
  EXPECT_FLOAT_EQ(positive.scale[0], 0.02F);
  EXPECT_EQ(positive.zero_point[0], 0);
  const Encoding negative = encode_range({-5.1, -2}, Proto::UINT8, Symmetry::asymmetric);
  EXPECT_FLOAT_EQ(negative.scale[0], 0.02F);
  EXPECT_EQ(negative.zero_point[0], 255);
  const Encoding wide = encode_range({0, 65.535}, Proto::UINT16, Symmetry::asymmetric);
  EXPECT_FLOAT_EQ(wide.scale[0], 0.001F);
}

TEST(EncodeRange, SymmetricByHand) {
  const Encoding high = encode_range({-1, 2.54}, Proto::INT8, Symmetry::symmetric);
  EXPECT_FLOAT_EQ(high.scale[0], 0.02F);  // 2.54 / 127
  EXPECT_EQ(high.zero_point[0], 0);
  const Encoding low = encode_range({-2.54, 1}, Proto::INT8, Symmetry::symmetric);
  EXPECT_FLOAT_EQ(low.scale[0], 0.02F);
  EXPECT_FLOAT_EQ(encode_range({-3.2767, 0}, Proto::INT16, Symmetry::symmetric).scale[0], 0.0001F);
}

TEST(EncodeRange, SymmetricInUnsignedTypesToo) {
  for (const auto& [range, scale] : {std::pair{Range{-1, 2.54}, 0.02F}, {{-2.54, 0}, 0.02F}}) {
    const Encoding one = encode_range(range, Proto::UINT8, Symmetry::symmetric);
    EXPECT_FLOAT_EQ(one.scale[0], scale);  // 2.54 / 127
    EXPECT_EQ(one.zero_point[0], 128);
  }
  EXPECT_FLOAT_EQ(encode_range({-3.2767, 3}, Proto::UINT16, Symmetry::symmetric).scale[0], 0.0001F);
}

TEST(EncodeRange, LowAndHighAreWhatTheIntegersReach) {
  const Encoding one = encode_range({0, 6}, Proto::UINT8, Symmetry::asymmetric);
  EXPECT_EQ(one.low(), 0.0);
  EXPECT_NEAR(one.high(), 6, 1e-6);
}

TEST(EncodeRange, ZeroIsExactAndTheRangeIsCoveredForAnyRange) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> place(-1, 1), magnitude(-30, 30);
  for (int round = 0; round < 5000; ++round) {
    const double size = std::pow(10.0, magnitude(generator)), a = size * place(generator), b = size * place(generator);
    const Range range{std::min(a, b), std::max(a, b)};
    for (const auto type : activation_types) {
      const bool is_signed = type == Proto::INT8 || type == Proto::INT16;
      const Encoding one = encode_range(range, type, is_signed ? Symmetry::symmetric : Symmetry::asymmetric);
      const IntegerRange integers = integer_range(type);
      const double step = one.scale[0];
      ASSERT_TRUE(std::isnormal(one.scale[0])) << range.low << " " << range.high;
      ASSERT_GE(one.zero_point[0], integers.low);
      ASSERT_LE(one.zero_point[0], integers.high);
      ASSERT_EQ(quantize_value(0.0F, one.scale[0], one.zero_point[0], integers), one.zero_point[0]);
      ASSERT_LE(one.low(), std::min(range.low, 0.0) + 0.51 * step);
      ASSERT_GE(one.high(), std::max(range.high, 0.0) - 0.51 * step);
    }
  }
}

TEST(EncodeRange, EmptyAndTinyRangesGiveAUsableScale) {
  for (const Range range : {Range{0, 0}, Range{0, 1e-44}, Range{-1e-320, 0}}) {
    const Encoding one = encode_range(range, Proto::UINT8, Symmetry::asymmetric);
    EXPECT_TRUE(std::isnormal(one.scale[0]));
    EXPECT_TRUE(std::isfinite(1 / one.scale[0]));
  }
}

TEST(IntegerRangeOf, Types) {
  EXPECT_EQ(integer_range(Proto::INT8).low, -128);
  EXPECT_EQ(integer_range(Proto::INT8, true).low, -127);
  EXPECT_EQ(integer_range(Proto::INT4, true).low, -8);  // all 16 values
  EXPECT_EQ(integer_range(Proto::UINT16).high, 65535);
  EXPECT_THROW(integer_range(Proto::FLOAT), Error);
}

TEST(EncodeWeight, PerChannelAndPerTensor) {
  const std::vector<float> values = {1.27F, -2.54F, 0, 0, 0.5F, -12.7F};  // 3 x 2
  const Encoding rows = encode_weight(values, {3, 2}, 0, Proto::INT8);
  EXPECT_EQ(rows.axis, 0);
  ASSERT_EQ(rows.scale.size(), 3U);
  EXPECT_FLOAT_EQ(rows.scale[0], 0.02F);
  EXPECT_EQ(rows.scale[1], 1.0F);  // a channel of zeros
  EXPECT_FLOAT_EQ(rows.scale[2], 0.1F);
  EXPECT_EQ(rows.zero_point, (std::vector<std::int32_t>{0, 0, 0}));
  const Encoding columns = encode_weight(values, {3, 2}, 1, Proto::INT8);
  EXPECT_FLOAT_EQ(columns.scale[0], 0.01F);
  EXPECT_FLOAT_EQ(columns.scale[1], 0.1F);
  const Encoding whole = encode_weight(values, {3, 2}, -1, Proto::INT4);
  ASSERT_EQ(whole.scale.size(), 1U);
  EXPECT_FLOAT_EQ(whole.scale[0], 12.7F / 7);
}

// Channels of 0..1.5, -1.5..0, -0.8..0.7 and zeros: 16 integers each, wherever zero lies.
TEST(EncodeWeight, AsymmetricFromTheEndsOfEachChannel) {
  const std::vector<float> values = {0.3F, 1.5F, -0.1F, -1.5F, -0.8F, 0.7F, 0, 0};  // 4 x 2
  Encoding encoding = encode_weight(values, {4, 2}, 0, Proto::INT4);
  encode_asymmetric(values, {4, 2}, encoding);
  EXPECT_EQ(encoding.zero_point, (std::vector<std::int32_t>{-8, 7, 0, 0}));
  for (std::size_t c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(encoding.scale[c], 0.1F);
  EXPECT_EQ(encoding.scale[3], 1.0F);
  EXPECT_EQ(quantize_values(values, {4, 2}, encoding), (std::vector<std::int32_t>{-5, 7, 6, -8, -8, 7, 0, 0}));
  const auto rounded = rounded_values(values, {4, 2}, encoding);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(rounded[i], values[i], 1e-6);
}

// Whatever the ends, none is cut off: no value is further than half a step from its integer's, at no larger step than a symmetric range
// has.
TEST(EncodeWeight, AsymmetricHasRoomForBothEnds) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> end(-1, 1);
  for (int round = 0; round < 500; ++round) {
    const std::vector<float> values = {end(random), end(random), end(random), 0.01F * end(random)};
    const Encoding plain = encode_weight(values, {1, 4}, 0, Proto::INT4);
    Encoding encoding = plain;
    encode_asymmetric(values, {1, 4}, encoding);
    EXPECT_LE(encoding.scale[0], plain.scale[0]);
    const auto rounded = rounded_values(values, {1, 4}, encoding);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_LE(std::fabs(rounded[i] - values[i]), encoding.scale[0] * 0.5001F);
  }
}

// A depthwise kernel's channels have them, those of a 3x3 convolution over 16 channels do not.
TEST(EncodeWeight, OnlyShortSlicesGetZeroPoints) {
  const auto scheme = test::scheme_named("w4a16");
  const auto plan = test::plan_graph(test::text_model_for(scheme, R"(g (float[1,16,6,6] x) => (float[1,4,6,6] z)
      <float[16,1,3,3] w, float[4,16,3,3] v> {
    y = Conv <group = 16, pads = [1,1,1,1]> (x, w)
    z = Conv <pads = [1,1,1,1]> (y, v)
  })"),
                                     scheme);
  EXPECT_TRUE(plan.encodings.weights.at("w").has_zero_points());
  EXPECT_FALSE(plan.encodings.weights.at("v").has_zero_points());
}

TEST(QuantizeValue, TiesToEvenAndSaturation) {
  const IntegerRange range{-128, 127};
  EXPECT_EQ(quantize_value(0.5F, 1, 0, range), 0);
  EXPECT_EQ(quantize_value(1.5F, 1, 0, range), 2);
  EXPECT_EQ(quantize_value(-2.5F, 1, 0, range), -2);
  EXPECT_EQ(quantize_value(1e30F, 1, 0, range), 127);
  EXPECT_EQ(quantize_value(-1e30F, 1, 5, range), -128);
  EXPECT_EQ(quantize_value(1, 0.5F, 10, range), 12);
}

TEST(QuantizeValue, AgreesWithOnnxRuntime) {
  const Model model =
      text_model("g (float[4000] x) => (uint8[4000] y) <float s = {0.0371}, uint8 z = {37}> { y = QuantizeLinear (x, s, z) }");
  const auto inputs = random_inputs(model.proto);
  const auto outputs = run_model(model.proto, inputs);
  const auto x = inputs[0].as<float>();
  const auto y = outputs[0].as<std::uint8_t>();
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(quantize_value(x[i], 0.0371F, 37, {0, 255}), y[i]) << x[i];
}

TEST(SliceOf, AlongEachAxis) {
  const Shape shape = {2, 3, 4};
  EXPECT_EQ(slice_of(13, shape, 0), 1U);
  EXPECT_EQ(slice_of(13, shape, 1), 0U);
  EXPECT_EQ(slice_of(13, shape, 2), 1U);
  EXPECT_EQ(slice_of(13, shape, -1), 0U);
}

// A 2 x 5 matrix in blocks of 2 along its columns: 3 scales per row, the last of one value; along its rows: 1 scale per column.
TEST(EncodeWeight, InBlocksAsOnnxLaysThemOut) {
  const std::vector<float> values = {7, -1, 14, 2, 0.7F, 21, 3, -28, 4, 3.5F};
  const auto along_columns = encode_weight(values, {2, 5}, 1, onnx::TensorProto::INT4, 2);
  EXPECT_EQ(along_columns.scale_shape({2, 5}), (Shape{2, 3}));
  EXPECT_EQ(along_columns.scale, (std::vector<float>{1, 2, 0.1F, 3, 4, 0.5F}));
  EXPECT_EQ(quantize_values(values, {2, 5}, along_columns), (std::vector<std::int32_t>{7, -1, 7, 1, 7, 7, 1, -7, 1, 7}));
  const auto along_rows = encode_weight(values, {2, 5}, 0, onnx::TensorProto::INT4, 2);
  EXPECT_EQ(along_rows.scale_shape({2, 5}), (Shape{1, 5}));
  EXPECT_EQ(along_rows.scale, (std::vector<float>{3, 3.0F / 7, 4, 4.0F / 7, 0.5F}));
}

Encoding weight_scales(std::vector<float> scale) {
  Encoding encoding{Proto::INT8, 0, std::move(scale), {}, ""};
  encoding.zero_point.assign(encoding.scale.size(), 0);
  return encoding;
}

TEST(ProtectBias, RaisesOnlyWhatOverflows) {
  Encoding weight = weight_scales({1e-9F, 1e-3F});
  const std::vector<float> bias = {4.0F, -4.0F};
  EXPECT_EQ(protect_bias(weight, bias, 0.5F, 1), 1);
  EXPECT_FLOAT_EQ(weight.scale[0], 8.0F / 0x1p30F);
  EXPECT_EQ(weight.scale[1], 1e-3F);
  EXPECT_EQ(protect_bias(weight, bias, 0.5F, 1), 0);
}

TEST(ProtectBias, GroupsOfAConvTransposeShareScales) {
  Encoding weight = weight_scales({1e-9F, 1e-9F});
  const std::vector<float> bias = {1, 2, 8, 1};    // two groups of two channels
  EXPECT_EQ(protect_bias(weight, bias, 1, 2), 2);  // 2 and 8; the first fits, and so does the fourth by then
  EXPECT_FLOAT_EQ(weight.scale[0], 0x1p-27F);
  EXPECT_FLOAT_EQ(weight.scale[1], 0x1p-29F);
}

TEST(ProtectBias, AMatrixAddedByAGemmIsNoBias) {
  Encoding weight = weight_scales({1e-9F, 1e-9F});
  EXPECT_EQ(protect_bias(weight, std::vector<float>(6, 100.0F), 1, 1), 0);
  EXPECT_EQ(weight.scale, (std::vector<float>{1e-9F, 1e-9F}));
}

TEST(ProtectBias, ZeroBiasNeedsNothing) {
  Encoding weight = weight_scales({1e-30F});
  EXPECT_EQ(protect_bias(weight, std::vector<float>{0.0F}, 1, 1), 0);
}

constexpr const char* graph =
    R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2] b, float[2,2,1,1] v, float[2,1,1] k> {
  a = Conv (x, w, b)
  r = Relu (a)
  m = Mul (r, k)
  y = Conv (m, v)
})";

TEST(Encode, OneEntryPerQuantizedTensor) {
  const auto plan = plan_graph(text_model(graph), scheme_named("w8a8"));
  std::set<std::string> names;
  for (const auto& [name, encoding] : plan.encodings.activations) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"k", "m", "r", "x"}));
  EXPECT_EQ(plan.encodings.weights.size(), 2U);
  EXPECT_EQ(plan.encodings.activations.at("r").zero_point[0], 0);
  EXPECT_NEAR(plan.encodings.activations.at("x").high(), plan.statistics.at("x").max, plan.encodings.activations.at("x").scale[0]);
}

TEST(Encode, SchemesDecideTheTypes) {
  Scheme scheme = scheme_named("w4a16");
  EXPECT_EQ(plan_graph(text_model_for(scheme, graph), scheme).encodings.weights.at("w").type, Proto::INT4);
  scheme.activations = Symmetry::symmetric;
  scheme.weights = Granularity::per_tensor;
  const auto plan = plan_graph(text_model_for(scheme, graph), scheme);
  EXPECT_EQ(plan.encodings.activations.at("x").type, Proto::INT16);
  EXPECT_EQ(plan.encodings.weights.at("w").axis, -1);
  EXPECT_THROW(Scheme::named("w2a2"), Error);
}

TEST(Encode, DeadTensorsAreWarnedOf) {
  auto plan = plan_graph(text_model(graph), scheme_named("w8a8"));
  Context context;
  encode(plan.prepared, plan.placement, plan.statistics, scheme_named("w8a8"), context);
  EXPECT_TRUE(context.warnings().empty());
  plan.statistics["r"] = TensorStatistics{};
  plan.statistics["r"].min = plan.statistics["r"].max = 0;
  plan.statistics["r"].count = 1;
  encode(plan.prepared, plan.placement, plan.statistics, scheme_named("w8a8"), context);
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_NE(context.warnings()[0].find("'r'"), std::string::npos);
}

TEST(Encode, MissingStatisticsAreADefect) {
  auto plan = plan_graph(text_model(graph), scheme_named("w8a8"));
  plan.statistics.erase("m");
  Context context;
  EXPECT_THROW(encode(plan.prepared, plan.placement, plan.statistics, scheme_named("w8a8"), context), Error);
}

}  // namespace
}  // namespace quantize::test
