#include <gtest/gtest.h>

#include <limits>

#include "pipeline/stages.h"

namespace quantize::test {
namespace {

std::vector<std::string> warnings(double first_db, double other_db) {
  Accuracy accuracy;
  accuracy.sqnr_db = first_db;
  accuracy.other_outputs = {{"aux", other_db}};
  Context context;
  warn_of_accuracy(accuracy, {}, context);
  return context.warnings();
}

TEST(WarnOfAccuracy, NamesAnOutputThatIsBothBadAndMuchWorse) {
  ASSERT_EQ(warnings(30, 20).size(), 1U);
  EXPECT_EQ(warnings(30, 20)[0].find("output 'aux' comes out at 20.00 dB SQNR, the first one at 30.00 dB"), 0U);
  EXPECT_TRUE(warnings(40, 26).empty()) << "it is good";
  EXPECT_TRUE(warnings(24, 20).empty()) << "it is little worse";
  EXPECT_EQ(warnings(999, 20).size(), 1U);
}

TEST(WarnOfAccuracy, WhatIsNoNumberIsNoFigure) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(warnings(30, none), std::vector<std::string>{"output 'aux' could not be compared (NaN or infinity)"});
  EXPECT_TRUE(warnings(none, none).empty());
  EXPECT_TRUE(warnings(none, 20).empty());
}

}  // namespace
}  // namespace quantize::test
