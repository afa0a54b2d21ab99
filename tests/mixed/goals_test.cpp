#include "mixed/goals.h"

#include <gtest/gtest.h>

#include "support/error_text.h"

namespace quantize::test {
namespace {

std::string refusal(const std::string& text, bool budget = false) {
  return error_text([&] { return budget ? parse_budget(text) : parse_reach(text); }, ErrorKind::usage);
}

TEST(Goals, AreReadFromText) {
  EXPECT_EQ(parse_reach("psnr=40,agreement=0.995"), (std::map<std::string, double>{{"psnr", 40}, {"agreement", 0.995}}));
  EXPECT_EQ(parse_budget("size=0.3,latency=0.5"), (std::map<std::string, double>{{"size", 0.3}, {"latency", 0.5}}));
}

TEST(Goals, NonsenseIsRefusedByName) {
  EXPECT_NE(refusal("pnsr=40").find("did you mean 'psnr'?"), std::string::npos);
  EXPECT_NE(refusal("psnr").find("psnr=NUMBER"), std::string::npos);
  EXPECT_NE(refusal("psnr=4x").find("psnr=NUMBER"), std::string::npos);
  EXPECT_NE(refusal("psnr=nan").find("psnr=NUMBER"), std::string::npos);
  EXPECT_NE(refusal("agreement=99").find("at most 1"), std::string::npos);
  EXPECT_NE(refusal("psnr=40,psnr=41").find("twice"), std::string::npos);
  EXPECT_NE(refusal("").find("empty"), std::string::npos);
  EXPECT_NE(refusal("sise=0.3", true).find("did you mean 'size'?"), std::string::npos);
  EXPECT_NE(refusal("size=-1", true).find("above 0"), std::string::npos);
}

// An exact picture counts as 120 dB in every mean: a target above that is met by chance or not at all.
TEST(Goals, DecibelsThatCannotBeMeasuredAreRefused) {
  for (const std::string name : {"psnr", "worst-psnr", "sqnr"}) {
    EXPECT_EQ(refusal(name + "=120"), "");
    EXPECT_NE(refusal(name + "=121").find("at most 120"), std::string::npos) << name;
    EXPECT_NE(refusal(name + "=121").find("more cannot be measured"), std::string::npos) << name;
  }
  EXPECT_EQ(refusal("agreement=99").find("measured"), std::string::npos);
}

TEST(Goals, MissedOnesAreNamedWithBothFigures) {
  Accuracy accuracy;
  accuracy.psnr_db = 39.5;
  accuracy.agreement = 0.999;
  EXPECT_EQ(missed({{"psnr", 40}, {"agreement", 0.995}}, accuracy), (std::vector<std::string>{"psnr 39.5 instead of at least 40"}));
  EXPECT_TRUE(missed({{"psnr", 39.5}}, accuracy).empty());
  EXPECT_EQ(missed({{"size", 0.25}}, Cost{0.5, 1}), (std::vector<std::string>{"size 0.5 instead of at most 0.25"}));
}

// No two fields alike: a name that stood for another one's would be missed at its value, or met above it.
TEST(Goals, EveryNameStandsForAFieldOfItsOwn) {
  Accuracy accuracy;
  accuracy.psnr_db = 40;
  accuracy.psnr_db_worst = 30;
  accuracy.sqnr_db = 35;
  accuracy.agreement = 0.9;
  accuracy.flipped_margin = 0.7;
  accuracy.miou_vs_fp32 = 0.8;
  accuracy.miou_fp32 = accuracy.miou_quantized = 0.6;
  const std::map<std::string, double> values = {{"psnr", 40}, {"worst-psnr", 30}, {"sqnr", 35}, {"agreement", 0.9}, {"miou", 0.8}};
  EXPECT_TRUE(missed(values, accuracy).empty());
  for (const auto& [name, value] : values) {
    EXPECT_TRUE(missed({{name, value}}, accuracy).empty()) << name;
    const auto lines = missed({{name, 1.01 * value}}, accuracy);
    ASSERT_EQ(lines.size(), 1U) << name;
    EXPECT_TRUE(lines[0].starts_with(name + " ")) << lines[0];
  }
}

// Images of 40 and 44 dB: mean 42, standard deviation 2 sqrt(2), standard error 2.
TEST(Goals, AFewImagesAreTakenForLess) {
  Accuracy accuracy;
  accuracy.psnr_db = 42;
  accuracy.images = {{"a", 40, 30, 0.99}, {"b", 44, 30, 0.99}};
  EXPECT_NEAR(margin(accuracy, "psnr"), 1.64 * 2, 1e-9);
  EXPECT_NEAR(margin(accuracy, "agreement"), 0, 1e-12);
  EXPECT_EQ(margin(accuracy, "miou"), 0);
  EXPECT_TRUE(missed({{"psnr", 38.7}}, accuracy).empty());
  EXPECT_EQ(missed({{"psnr", 39}}, accuracy),
            (std::vector<std::string>{"psnr 42 (less 3.28 for pictures not seen) instead of at least 39"}));
}

// Of SQNRs of 30 and 33 dB: mean 31.5, standard deviation sqrt(2 * 1.5^2 / 1), standard error that over sqrt(2), 1.5.
TEST(Goals, TheMarginIsThatOfTheFigureItself) {
  Accuracy accuracy;
  accuracy.sqnr_db = 31.5;
  accuracy.images = {{"a", 40, 30, 0.99}, {"b", 44, 33, 0.97}};
  EXPECT_NEAR(margin(accuracy, "sqnr"), 1.64 * 1.5, 1e-9);
  EXPECT_NEAR(margin(accuracy, "worst-psnr"), 1.64 * 2, 1e-9);
  EXPECT_NEAR(margin(accuracy, "agreement"), 1.64 * 0.01, 1e-9);
  EXPECT_TRUE(missed({{"sqnr", 29.03}}, accuracy).empty());
  EXPECT_EQ(missed({{"sqnr", 29.05}}, accuracy).size(), 1U);
}

// As 120 dB, not as 999.
TEST(Goals, AnExactImageWidensTheMarginByNoMoreThanItCounts) {
  Accuracy accuracy;
  accuracy.images = {{"a", 116, 30, 1}, {"b", 999, 30, 1}};
  EXPECT_NEAR(margin(accuracy, "psnr"), 1.64 * 2, 1e-9);
}

}  // namespace
}  // namespace quantize::test
