#include "model/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "support/error_text.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

std::uint16_t word(const Proto& proto, std::size_t i) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(proto.raw_data()[2 * i]) |
                                    static_cast<unsigned char>(proto.raw_data()[2 * i + 1]) << 8);
}

std::uint16_t half_bits(float value) { return word(make_float_tensor("h", {1}, Proto::FLOAT16, std::vector<float>{value}), 0); }
std::uint16_t bfloat_bits(float value) { return word(make_float_tensor("h", {1}, Proto::BFLOAT16, std::vector<float>{value}), 0); }

std::string refusal_of(const Proto& proto) {
  return test::error_text([&] { return float_values(proto); }, ErrorKind::model);
}

TEST(Tensor, HalfBitsByHand) {
  EXPECT_EQ(half_bits(1.0F), 0x3C00);
  EXPECT_EQ(half_bits(-2.0F), 0xC000);
  EXPECT_EQ(half_bits(-0.0F), 0x8000);
  EXPECT_EQ(half_bits(65504.0F), 0x7BFF);  // the largest
  EXPECT_EQ(half_bits(65519.0F), 0x7BFF);
  EXPECT_EQ(half_bits(65520.0F), 0x7C00);  // rounds to infinity
  EXPECT_EQ(half_bits(0x1p-14F), 0x0400);  // the smallest normal
  EXPECT_EQ(half_bits(0x1p-24F), 0x0001);  // the smallest
  EXPECT_EQ(half_bits(0x1p-25F), 0x0000);  // tie, to even
  EXPECT_EQ(half_bits(0x1.8p-24F), 0x0002);
  EXPECT_EQ(half_bits(1.0F + 0x1p-11F), 0x3C00);  // tie, to even
  EXPECT_EQ(half_bits(1.0F + 0x3p-11F), 0x3C02);
  EXPECT_EQ(half_bits(2.0F - 0x1p-12F), 0x4000);  // carries into the exponent
}

TEST(Tensor, EveryHalfSurvives) {
  Proto all;
  all.set_data_type(Proto::FLOAT16);
  all.add_dims(1 << 16);
  for (int bits = 0; bits < 1 << 16; ++bits) {
    all.mutable_raw_data()->push_back(static_cast<char>(bits & 255));
    all.mutable_raw_data()->push_back(static_cast<char>(bits >> 8));
  }
  const auto values = float_values(all);
  const Proto back = make_float_tensor("h", {1 << 16}, Proto::FLOAT16, values);
  for (std::size_t bits = 0; bits < values.size(); ++bits) {
    if (std::isnan(values[bits])) {
      EXPECT_EQ(bits & 0x7C00, 0x7C00U);
    } else {
      ASSERT_EQ(word(back, bits), bits);
    }
  }
}

TEST(Tensor, BfloatBitsByHand) {
  EXPECT_EQ(bfloat_bits(1.0F), 0x3F80);
  EXPECT_EQ(bfloat_bits(1.0F + 0x1p-8F), 0x3F80);  // tie, to even
  EXPECT_EQ(bfloat_bits(1.0F + 0x3p-8F), 0x3F82);
  EXPECT_EQ(bfloat_bits(std::numeric_limits<float>::infinity()), 0x7F80);
  EXPECT_NE(bfloat_bits(std::bit_cast<float>(0x7F800001U)) & 0x7F, 0);  // NaN stays NaN
}

TEST(Tensor, BfloatOfItsOwnValuesIsExact) {
  const std::vector<float> values = {0, -1.5F, 3e38F, 1e-38F};
  const auto once = float_values(make_float_tensor("b", {4}, Proto::BFLOAT16, values));
  EXPECT_EQ(float_values(make_float_tensor("b", {4}, Proto::BFLOAT16, once)), once);
  EXPECT_NEAR(once[2] / 3e38F, 1, 1.0 / 256);
}

TEST(Tensor, FourBitsArePackedLowNibbleFirst) {
  const std::vector<std::int32_t> values = {-8, 7, -1, 0, 3};
  const Proto packed = make_tensor("w", {5}, Proto::INT4, values);
  EXPECT_EQ(packed.raw_data(), std::string("\x78\x0F\x03", 3));
  EXPECT_EQ(int_values(packed), (std::vector<std::int64_t>{-8, 7, -1, 0, 3}));
}

TEST(Tensor, UnsignedFourBits) {
  const std::vector<std::int32_t> values = {15, 0, 9};
  EXPECT_EQ(int_values(make_tensor("w", {3}, Proto::UINT4, values)), (std::vector<std::int64_t>{15, 0, 9}));
}

TEST(Tensor, FourBitsInInt32Data) {
  Proto proto;
  proto.set_data_type(Proto::INT4);
  proto.add_dims(3);
  proto.add_int32_data(0x78);
  proto.add_int32_data(0x0F);
  EXPECT_EQ(int_values(proto), (std::vector<std::int64_t>{-8, 7, -1}));
}

TEST(Tensor, EveryIntegerTypeHoldsItsExtremes) {
  const std::vector<std::pair<ElementType, std::vector<std::int32_t>>> cases = {{Proto::INT8, {-128, 127}},
                                                                                {Proto::UINT8, {0, 255}},
                                                                                {Proto::INT16, {-32768, 32767}},
                                                                                {Proto::UINT16, {0, 65535}},
                                                                                {Proto::INT32, {-2147483647 - 1, 2147483647}}};
  for (const auto& [type, values] : cases) {
    const Proto proto = make_tensor("i", {2}, type, values);
    EXPECT_EQ(proto.raw_data().size(), 2 * element_size(type));
    EXPECT_EQ(int_values(proto), (std::vector<std::int64_t>{values[0], values[1]})) << type_name(type);
  }
}

TEST(Tensor, FloatsCannotBeStoredAsStrings) {
  const std::vector<std::int32_t> values = {1};
  EXPECT_THROW(make_tensor("s", {1}, Proto::STRING, values), Error);
  EXPECT_THROW(make_float_tensor("s", {1}, Proto::INT8, std::vector<float>{1}), Error);
}

TEST(Tensor, WrongPayloadIsNamed) {
  for (const auto type : {Proto::FLOAT, Proto::FLOAT16, Proto::DOUBLE, Proto::INT4, Proto::INT8}) {
    Proto proto;
    proto.set_name("stem.w");
    proto.set_data_type(type);
    proto.add_dims(2);
    proto.add_dims(3);
    proto.set_raw_data("12345");
    EXPECT_NE(refusal_of(proto).find("'stem.w'"), std::string::npos) << type_name(type);
  }
}

TEST(Tensor, MissingValuesNegativeDimensionsAndStringsAreRefused) {
  Proto proto = make_tensor("w", {2}, std::vector<float>{1, 2});
  EXPECT_EQ(refusal_of(proto), "");
  proto.set_dims(0, -2);
  EXPECT_NE(refusal_of(proto).find("negative"), std::string::npos);
  proto.set_dims(0, 2);
  proto.clear_raw_data();
  EXPECT_NE(refusal_of(proto), "");
  proto.set_data_type(Proto::STRING);
  EXPECT_NE(refusal_of(proto).find("string"), std::string::npos);
}

TEST(Tensor, EmptyTensorsAreFine) { EXPECT_TRUE(float_values(make_tensor("w", {0, 4}, std::vector<float>{})).empty()); }

TEST(Tensor, ViewsCheckTheType) {
  const Tensor tensor = Tensor::of({2}, std::vector<float>{1, 2});
  EXPECT_EQ(tensor.as<float>()[1], 2.0F);
  EXPECT_THROW((void)tensor.as<double>(), Error);
  EXPECT_THROW(Tensor::of({3}, std::vector<float>{1, 2}), Error);
}

TEST(Tensor, ProtoRoundTrip) {
  const Tensor tensor = Tensor::of({2, 1}, std::vector<float>{1, -2});
  const Tensor back = from_proto(to_proto("t", tensor));
  EXPECT_EQ(back.shape, tensor.shape);
  EXPECT_EQ(back.bytes, tensor.bytes);
  Proto broken = to_proto("t", tensor);
  broken.mutable_raw_data()->pop_back();
  EXPECT_THROW(from_proto(broken), Error);
}

TEST(Tensor, Words) {
  EXPECT_EQ(to_string(Shape{1, 3, -1}), "1x3x?");
  EXPECT_EQ(to_string(Shape{}), "scalar");
  EXPECT_EQ(element_count(Shape{}), 1);
  EXPECT_EQ(type_name(Proto::BFLOAT16), "bfloat16");
}

}  // namespace
}  // namespace quantize
