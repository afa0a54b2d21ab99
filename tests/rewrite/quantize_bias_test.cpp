#include "rewrite/quantize_bias.h"

#include <gtest/gtest.h>

namespace quantize::test {
namespace {

TEST(QuantizeBias, AtInputScaleTimesWeightScale) {
  const std::vector<float> values = {1, -2.25F, 1e12F}, scales = {0.5F, 0.25F, 0.125F};
  const auto bias = quantize_bias(values, 0.5F, scales, false);
  EXPECT_EQ(bias.scale, (std::vector<float>{0.25F, 0.125F, 0.0625F}));
  EXPECT_EQ(bias.integers, (std::vector<std::int32_t>{4, -18, 2147483647}));
}

TEST(QuantizeBias, OneScaleForAllAndScalesThatRepeatForGroups) {
  const std::vector<float> values = {1, 2, 3, 4}, one = {1}, two = {1, 2};
  EXPECT_EQ(quantize_bias(values, 0.5F, one, false).scale, std::vector<float>{0.5F});
  const auto bias = quantize_bias(values, 0.5F, two, false);
  EXPECT_EQ(bias.scale, (std::vector<float>{0.5F, 1, 0.5F, 1}));
  EXPECT_EQ(bias.integers, (std::vector<std::int32_t>{2, 2, 6, 4}));
}

// Where there is no bias, nothing protects the product of the scales from becoming 0.
TEST(QuantizeBias, OfZeroIsZeroAtAnyScale) {
  const std::vector<float> values = {0}, tiny = {1e-30F};
  EXPECT_EQ(quantize_bias(values, 1e-30F, tiny, false).integers[0], 0);
}

TEST(QuantizeBias, MultiplesOf256WhereTheLowByteIsDropped) {
  const std::vector<float> values = {1000}, one = {1};
  EXPECT_EQ(quantize_bias(values, 1, one, true).integers[0] % 256, 0);
}

}  // namespace
}  // namespace quantize::test
