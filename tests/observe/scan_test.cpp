#include "observe/scan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace quantize {
namespace {

std::vector<float> random_values(std::size_t count) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::uniform_real_distribution<float> uniform(-3, 2);
  std::vector<float> values(count);
  for (auto& value : values) value = uniform(generator);
  return values;
}

TEST(Scan, AgreesWithAPlainLoopForEveryLength) {
  for (std::size_t count = 1; count < 70; ++count) {
    const auto values = random_values(count);
    float min = values[0], max = values[0];
    for (const float value : values) {
      min = std::fmin(min, value);
      max = std::fmax(max, value);
    }
    const Extremes found = scan(values);
    EXPECT_EQ(found.min, min) << count;
    EXPECT_EQ(found.max, max) << count;
    EXPECT_TRUE(found.finite) << count;
  }
}

TEST(Scan, OneBadValueAnywhereIsNoticed) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), infinity, -infinity}) {
    for (const std::size_t count : {1, 7, 16, 33, 64}) {
      for (std::size_t place = 0; place < count; ++place) {
        auto values = random_values(count);
        values[place] = bad;
        EXPECT_FALSE(scan(values).finite) << bad << " at " << place << " of " << count;
      }
    }
  }
}

TEST(Scan, TheLargestFloatsAreFinite) {
  const std::vector<float> values(9, std::numeric_limits<float>::max());
  const Extremes found = scan(values);
  EXPECT_TRUE(found.finite);
  EXPECT_EQ(found.max, std::numeric_limits<float>::max());
}

}  // namespace
}  // namespace quantize
