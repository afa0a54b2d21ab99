#include "encode/ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace quantize {
namespace {

TensorStatistics statistics_of(const std::vector<float>& values) {
  TensorStatistics statistics;
  statistics.count = values.size();
  for (const float value : values) {
    statistics.min = std::min(statistics.min, value);
    statistics.max = std::max(statistics.max, value);
  }
  statistics.histogram.cover(std::max(std::fabs(statistics.min), std::fabs(statistics.max)));
  statistics.histogram.add(values);
  return statistics;
}

// A normal distribution with a few values 30 times as far out.
std::vector<float> heavy_tail(unsigned seed, bool positive = false) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(20000);
  for (auto& value : values) value = normal(generator);
  for (std::size_t i = 0; i < 5; ++i) values[i * 1001] *= 30;
  if (positive) {
    for (auto& value : values) value = std::fabs(value);
  }
  return values;
}

std::vector<float> mirrored(std::vector<float> values) {
  for (auto& value : values) value = -value;
  return values;
}

TEST(MinMax, ExactlyTheValuesSeenAndZero) {
  const Range both = minmax_range(statistics_of({-3, 5}));
  EXPECT_EQ(both.low, -3.0);
  EXPECT_EQ(both.high, 5.0);
  const Range above = minmax_range(statistics_of({3, 5}));
  EXPECT_EQ(above.low, 0.0);
  const Range none = minmax_range({});
  EXPECT_EQ(none.low, 0.0);
  EXPECT_EQ(none.high, 0.0);
}

TEST(Roomy, AQuarterMoreThanWasSeenOnEachSideOfZero) {
  const Range both = roomy_range(statistics_of({-4, 1, 8}));
  EXPECT_EQ(both.low, -5.0);
  EXPECT_EQ(both.high, 10.0);
  const Range above = roomy_range(statistics_of({4, 8}));
  EXPECT_EQ(above.low, 0.0);
  EXPECT_EQ(above.high, 10.0);
  EXPECT_EQ(roomy_range(statistics_of({-4, -8})).high, 0.0);
  EXPECT_EQ(roomy_range({}).high, 0.0);
  Scheme scheme;
  scheme.activation_bits = 16;
  EXPECT_EQ(choose_range(statistics_of({-4, 1, 8}), scheme).low, -5.0);
  EXPECT_EQ(choose_range(statistics_of({-4, 1, 8}), scheme).high, 10.0);
  scheme.activation_bits = 8;
  EXPECT_LT(choose_range(statistics_of({-4, 1, 8}), scheme).high, 8.01);
}

TEST(Percentile, ByHand) {
  std::vector<float> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i) / 1000);  // 0.001 .. 1
  const auto statistics = statistics_of(values);
  const double bin = statistics.histogram.bin_width();
  EXPECT_NEAR(percentile_range(statistics, 98).high, 0.990, bin);  // 1 percent left out at the top
  EXPECT_NEAR(percentile_range(statistics, 90).high, 0.950, bin);
  EXPECT_EQ(percentile_range(statistics, 90).low, 0.0);
  EXPECT_EQ(percentile_range(statistics, 100).high, 1.0);
}

TEST(Percentile, BothEnds) {
  std::vector<float> values(998, 0.25F);
  values.push_back(-7);
  values.push_back(7);
  const auto statistics = statistics_of(values);
  EXPECT_EQ(percentile_range(statistics, 100).low, -7.0);
  const Range clipped = percentile_range(statistics, 99.5);  // 2.5 values at each end
  EXPECT_EQ(clipped.low, 0.0);
  EXPECT_NEAR(clipped.high, 0.25, statistics.histogram.bin_width());
}

TEST(ExpectedError, UniformValuesHaveStepSquaredOverTwelve) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(200000);
  for (auto& value : values) value = uniform(generator);
  const auto statistics = statistics_of(values);
  const double step = 2.0 / 15;
  EXPECT_NEAR(expected_error(statistics, {-1, 1}, 16), step * step / 12, 1e-5);
  // Clipping at 0.5 leaves out half of the values at a mean square of 0.5^2 / 3.
  const double half = 1.0 / 15;
  EXPECT_NEAR(expected_error(statistics, {-0.5, 0.5}, 16), 0.5 * half * half / 12 + 0.5 * 0.25 / 3, 5e-4);
}

TEST(ExpectedError, IsWhatQuantizingGives) {
  const auto values = heavy_tail(5);
  const auto statistics = statistics_of(values);
  for (const double high : {3.0, 8.0, 100.0}) {
    const double step = 2 * high / 255;
    double error = 0;
    for (const float value : values) {
      const double rounded = std::clamp(std::nearbyint((value + high) / step), 0.0, 255.0) * step - high;
      error += (rounded - value) * (rounded - value) / static_cast<double>(values.size());
    }
    EXPECT_NEAR(expected_error(statistics, {-high, high}, 256), error, 0.05 * error) << high;
  }
}

TEST(Mse, AWeightOnClippingKeepsMoreOfTheTails) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    const auto statistics = statistics_of(heavy_tail(seed));
    const Range whole = minmax_range(statistics), plain = mse_range(statistics, 256),
                weighted = mse_range(statistics, 256, {.cut = clipping_weight});
    EXPECT_GT(weighted.high - weighted.low, plain.high - plain.low);
    EXPECT_LT(weighted.high - weighted.low, whole.high - whole.low);
  }
  // 1 % of the values are ones: weighed 12 times, cutting at 0.5 costs 12 times 0.01 * 0.5^2.
  std::vector<float> values(99, 0.0F);
  values.push_back(1);
  EXPECT_NEAR(expected_error(statistics_of(values), {0, 0.5}, 65536, {.cut = 12}), 12 * 0.01 * 0.25, 1e-3);
}

TEST(Mse, NegativeValuesThatAreScaledDownBehindItGetLessOfTheRange) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto statistics = statistics_of(heavy_tail(seed));
    const Range even = mse_range(statistics, 256, {.cut = 25}), scaled = mse_range(statistics, 256, {.cut = 25, .negative = 0.01});
    EXPECT_GT(scaled.low, even.low);
    EXPECT_LT(scaled.high - scaled.low, even.high - even.low);
  }
  // Uniform on [-1, 1] over [-0.5, 1]: half of the negative values are cut, (1/4) * 0.5^2 / 3, weighed 4 x 0.1; steps of 1.5 / 255.
  std::vector<float> values;
  for (int i = 0; i < 40000; ++i) values.push_back(static_cast<float>(i - 20000) / 20000);
  const double step = 1.5 / 255, rounding = (0.5 + 0.25 * 0.1) * step * step / 12;
  EXPECT_NEAR(expected_error(statistics_of(values), {-0.5, 1}, 256, {.cut = 4, .negative = 0.1}), 0.4 * 0.25 * 0.25 / 3 + rounding, 2e-5);
}

TEST(Mse, NoWorseThanMinMaxOnHeavyTails) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    for (const bool positive : {false, true}) {
      for (const int levels : {16, 256, 65536}) {
        const auto statistics = statistics_of(heavy_tail(seed, positive));
        const Range mse = mse_range(statistics, levels), whole = minmax_range(statistics);
        EXPECT_LE(expected_error(statistics, mse, levels), expected_error(statistics, whole, levels));
        EXPECT_GE(mse.low, whole.low);
        EXPECT_LE(mse.high, whole.high);
      }
    }
  }
}

TEST(Mse, ClipsATailWithFewLevelsOnly) {
  const auto statistics = statistics_of(heavy_tail(1, true));
  const Range whole = minmax_range(statistics);
  EXPECT_LT(mse_range(statistics, 16).high, 0.5 * whole.high);
  EXPECT_GT(mse_range(statistics, 65536).high, 0.9 * whole.high);
}

TEST(Mse, TheSignOfTheValuesDoesNotMatter) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto values = heavy_tail(seed, true);
    const Range above = mse_range(statistics_of(values), 256), below = mse_range(statistics_of(mirrored(values)), 256);
    EXPECT_NEAR(above.high, -below.low, 1e-3 * above.high);
    EXPECT_EQ(above.low, -below.high);
  }
}

TEST(Mse, FindsTheBestOfAllIntervals) {
  for (const bool positive : {false, true}) {
    for (const auto& values : {heavy_tail(2, positive), mirrored(heavy_tail(2, positive))}) {
      const auto statistics = statistics_of(values);
      const Range found = mse_range(statistics, 64), whole = minmax_range(statistics);
      double best = expected_error(statistics, whole, 64);
      for (int i = 1; i <= 200; ++i) {
        for (int k = 1; k <= 200; ++k) best = std::min(best, expected_error(statistics, {whole.low * i / 200, whole.high * k / 200}, 64));
        if (whole.high == 0 || whole.low == 0) continue;
        i += 7;  // two ends: a coarser grid is enough
      }
      EXPECT_LE(expected_error(statistics, found, 64), 1.01 * best);
    }
  }
}

TEST(Entropy, ClipsALongTail) {
  std::mt19937 generator(9);
  std::exponential_distribution<float> tail(2);
  std::vector<float> values(200000);
  for (auto& value : values) value = tail(generator);
  values[77] = 60;
  const auto statistics = statistics_of(values);
  const Range range = entropy_range(statistics, 128);
  EXPECT_LT(range.high, 20);
  EXPECT_GT(range.high, 1);
  EXPECT_EQ(range.low, 0.0);
}

TEST(Entropy, KeepsAllOfAFullRange) {
  std::vector<float> values;
  for (int i = 0; i < 100000; ++i) values.push_back(static_cast<float>(i) / 100000);
  EXPECT_GT(entropy_range(statistics_of(values), 128).high, 0.95);
}

TEST(Entropy, IgnoresTheSpikeAtZero) {
  std::mt19937 generator(9);
  std::exponential_distribution<float> tail(2);
  std::vector<float> values(100000);
  for (auto& value : values) value = 0.01F + tail(generator);
  const double without = entropy_range(statistics_of(values), 128).high;
  values.resize(values.size() + 900000, 0.0F);  // what a Relu leaves
  EXPECT_NEAR(entropy_range(statistics_of(values), 128).high, without, 0.02 * without);
}

TEST(ChooseRange, NeverWiderThanWhatWasSeen) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto statistics = statistics_of(heavy_tail(seed));
    const Range whole = minmax_range(statistics);
    for (const auto method : {RangeMethod::minmax, RangeMethod::percentile, RangeMethod::mse, RangeMethod::entropy}) {
      for (const int bits : {8, 16}) {
        Scheme scheme;
        scheme.method = method;
        scheme.activation_bits = bits;
        const Range range = choose_range(statistics, scheme);
        EXPECT_GE(range.low, whole.low);
        EXPECT_LE(range.high, whole.high);
        EXPECT_LT(range.low, range.high);
      }
    }
  }
}

TEST(ChooseRange, ConstantAndDeadTensors) {
  for (const auto method : {RangeMethod::minmax, RangeMethod::percentile, RangeMethod::mse, RangeMethod::entropy}) {
    Scheme scheme;
    scheme.method = method;
    const Range dead = choose_range(statistics_of(std::vector<float>(10, 0.0F)), scheme);
    EXPECT_EQ(dead.low, 0.0);
    EXPECT_EQ(dead.high, 0.0);
    const Range constant = choose_range(statistics_of(std::vector<float>(10, 3.0F)), scheme);
    EXPECT_EQ(constant.low, 0.0);
    EXPECT_NEAR(constant.high, 3.0, 0.02);
  }
}

}  // namespace
}  // namespace quantize
