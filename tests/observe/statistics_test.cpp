#include "observe/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"

namespace quantize {
namespace {

std::vector<float> normal_values(std::size_t count, float spread, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.1F * spread, spread);
  std::vector<float> values(count);
  for (auto& value : values) value = normal(generator);
  return values;
}

float magnitude_of(std::span<const float> values) {
  float magnitude = 0;
  for (const float value : values) magnitude = std::max(magnitude, std::fabs(value));
  return magnitude;
}

Histogram histogram_of(std::span<const float> values) {
  Histogram histogram;
  histogram.cover(magnitude_of(values));
  histogram.add(values);
  return histogram;
}

void expect_same(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.exponent(), b.exponent());
  EXPECT_TRUE(std::equal(a.counts().begin(), a.counts().end(), b.counts().begin()));
}

TEST(Histogram, CountsByHand) {
  Histogram histogram;
  histogram.cover(1.5F);  // below 2 = 2^1
  EXPECT_EQ(histogram.exponent(), 1);
  EXPECT_EQ(histogram.bin_width(), 4.0 / 4096);
  EXPECT_EQ(histogram.left_edge(2048), 0.0);
  EXPECT_EQ(histogram.left_edge(0), -2.0);
  histogram.add(std::vector<float>{0.0F, -0.0F, 1.5F, -2.0F, -1e-6F});
  EXPECT_EQ(histogram.counts()[2048], 2U);
  EXPECT_EQ(histogram.counts()[2047], 1U);
  EXPECT_EQ(histogram.counts()[2048 + 1536], 1U);
  EXPECT_EQ(histogram.counts()[0], 1U);
  EXPECT_EQ(histogram.total(), 5U);
}

TEST(Histogram, ValuesOutsideAreCountedInTheEndBins) {
  Histogram histogram;
  histogram.cover(0.9F);
  histogram.add(std::vector<float>{7.0F, -7.0F, 1.0F});
  EXPECT_EQ(histogram.counts()[4095], 2U);
  EXPECT_EQ(histogram.counts()[0], 1U);
}

TEST(Histogram, CoversPowersOfTwoThemselves) {
  Histogram histogram;
  histogram.cover(2.0F);
  EXPECT_EQ(histogram.exponent(), 2);
}

TEST(Histogram, NeverShrinks) {
  Histogram histogram;
  histogram.cover(5.0F);
  histogram.cover(0.1F);
  EXPECT_EQ(histogram.exponent(), 3);
}

// A Relu that is never active, and values that only a denormal scale could tell from zero.
TEST(Histogram, TensorsOfZerosAndOfTinyValuesAreCounted) {
  const Histogram zeros = histogram_of(std::vector<float>(100, 0.0F));
  EXPECT_EQ(zeros.counts()[2048], 100U);
  const Histogram tiny = histogram_of(std::vector<float>{1e-44F, -1e-44F, 1e-37F});
  EXPECT_EQ(tiny.total(), 3U);
  Histogram later = zeros;
  later.merge(histogram_of(std::vector<float>{3.0F}));
  EXPECT_EQ(later.counts()[2048], 100U);
  EXPECT_EQ(later.counts()[2048 + 1536], 1U);
}

TEST(Histogram, LargestFloatsAreCounted) {
  const Histogram histogram = histogram_of(std::vector<float>{3.4e38F, -3.4e38F, 1.0F});
  EXPECT_EQ(histogram.exponent(), 128);
  EXPECT_EQ(histogram.counts()[2048], 1U);
  EXPECT_EQ(histogram.total(), 3U);
}

TEST(Histogram, GrowingIsCountingAtTheFinalRange) {
  for (const float growth : {1.0F, 2.0F, 3.7F, 1000.0F, 1e30F}) {
    const auto values = normal_values(5000, 1, 3);
    Histogram grown = histogram_of(values);
    grown.cover(growth * 8);
    Histogram direct;
    direct.cover(growth * 8);
    direct.add(values);
    expect_same(grown, direct);
  }
}

TEST(Histogram, MergeDoesNotDependOnTheOrder) {
  std::vector<std::vector<float>> parts;
  std::vector<float> all;
  for (unsigned i = 0; i < 6; ++i) {
    parts.push_back(normal_values(1000 + i, std::ldexp(1.0F, static_cast<int>(i * 5) - 12), i));
    all.insert(all.end(), parts.back().begin(), parts.back().end());
  }
  const Histogram expected = histogram_of(all);
  std::mt19937 generator(7);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(parts.begin(), parts.end(), generator);
    Histogram merged;
    for (const auto& part : parts) merged.merge(histogram_of(part));
    expect_same(merged, expected);
  }
}

TEST(Histogram, RestoredIsTheSame) {
  const Histogram histogram = histogram_of(normal_values(100, 2, 1));
  expect_same(Histogram::restore(histogram.exponent(), {histogram.counts().begin(), histogram.counts().end()}), histogram);
}

TEST(Histogram, WrongNumberOfBinsIsRefused) { EXPECT_THROW(Histogram::restore(0, std::vector<std::uint64_t>(4095)), Error); }

TensorStatistics statistics_of(float value, std::size_t channels) {
  TensorStatistics statistics;
  statistics.count = 1;
  statistics.min = statistics.max = value;
  statistics.histogram = histogram_of(std::vector<float>{value});
  statistics.channels.resize(channels);
  for (auto& channel : statistics.channels) {
    channel.count = 1;
    channel.min = channel.max = value;
  }
  return statistics;
}

TEST(Statistics, MergeByHand) {
  Statistics all;
  merge(all, {{"a", statistics_of(2, 3)}});
  merge(all, {{"a", statistics_of(-4, 3)}, {"b", statistics_of(1, 0)}});
  const auto& a = all.at("a");
  EXPECT_EQ(a.count, 2U);
  EXPECT_EQ(a.min, -4.0F);
  EXPECT_EQ(a.max, 2.0F);
  ASSERT_EQ(a.channels.size(), 3U);
  EXPECT_EQ(a.channels[1].count, 2U);
  EXPECT_EQ(a.channels[1].min, -4.0F);
  EXPECT_EQ(a.channels[1].max, 2.0F);
  EXPECT_EQ(all.at("b").max, 1.0F);
}

TEST(Statistics, ChannelsOfVaryingNumberAreDroppedInAnyOrder) {
  TensorStatistics forward, backward;
  for (const std::size_t channels : {2, 3, 3}) forward.merge(statistics_of(1, channels));
  for (const std::size_t channels : {3, 3, 2}) backward.merge(statistics_of(1, channels));
  EXPECT_TRUE(forward.channels.empty());
  EXPECT_TRUE(backward.channels.empty());
  EXPECT_EQ(forward.count, 3U);
}

TEST(Statistics, ConfinedPutsWhatLiesOutsideAtTheEnds) {
  TensorStatistics statistics;
  statistics.count = 6;
  statistics.min = -8;
  statistics.max = 5;
  statistics.channels = {{3, -8, -4}, {3, -1, 5}};
  statistics.histogram.cover(8);
  statistics.histogram.add(std::vector<float>{-8, -4, -3, -1, 2, 5});
  statistics.confine(-3, std::numeric_limits<float>::infinity());
  EXPECT_EQ(statistics.min, -3);
  EXPECT_EQ(statistics.max, 5);
  EXPECT_EQ(statistics.channels[0].max, -3) << "a channel that lies outside altogether";
  EXPECT_EQ(statistics.channels[1].min, -1);
  EXPECT_EQ(statistics.histogram.total(), 6U);
  EXPECT_EQ(statistics.histogram.counts()[Histogram::zero_bin - static_cast<int>(3 / statistics.histogram.bin_width())], 3U)
      << "-8, -4 and -3";
}

}  // namespace
}  // namespace quantize
