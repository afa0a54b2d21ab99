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

std::vector<std::string> warnings(const Accuracy& accuracy, const Options& options = {}) {
  Context context;
  warn_of_accuracy(accuracy, options, context);
  return context.warnings();
}

TEST(WarnOfAccuracy, NamesTheImageForWhichThereIsNothingToCompare) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  Accuracy accuracy;
  accuracy.images = {{"a", 40, 30, 1}, {"b", none, none, none}, {"c", none, none, none}};
  ASSERT_EQ(warnings(accuracy).size(), 1U);
  EXPECT_EQ(warnings(accuracy)[0].find("the FP32 model itself gives NaN for the test image 'b' and 1 more"), 0U);
  accuracy.images = {{"a", none, none, 0.5}};
  ASSERT_EQ(warnings(accuracy).size(), 1U);
  EXPECT_EQ(warnings(accuracy)[0].find("NaN or infinity comes out for the test image 'a'"), 0U);
  accuracy.images = {{"a", none, none, none, false}, {"b", 40, 30, 1}};
  accuracy.left_out = 1;
  ASSERT_EQ(warnings(accuracy).size(), 1U);
  EXPECT_NE(warnings(accuracy)[0].find("for 1 of 2 test images it is empty or another than FP32's"), std::string::npos);
}

TEST(WarnOfAccuracy, NumbersInLabelsThatAreNoClassAreCounted) {
  Accuracy accuracy;
  accuracy.miou_fp32 = accuracy.miou_quantized = 0.5;
  accuracy.labels = LabelPixels{.all = 100, .none = 20, .beyond = 0};
  Options options;
  options.labels = "masks";
  EXPECT_TRUE(warnings(accuracy, options).empty()) << "void is usual";
  accuracy.labels->beyond = 7;
  ASSERT_EQ(warnings(accuracy, options).size(), 1U);
  EXPECT_EQ(warnings(accuracy, options)[0].find("7 of 100 pixels of the labels in masks have a number that is no class"), 0U);
}

}  // namespace
}  // namespace quantize::test
