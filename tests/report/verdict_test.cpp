#include "report/verdict.h"

#include <gtest/gtest.h>

#include "report/sample_report.h"

namespace quantize {
namespace {

TEST(Judge, MadeUpDataAreNeverReadyToShip) {
  Report report = sample_report();
  report.accuracy.agreement = 1;
  EXPECT_EQ(judge_accuracy(report).headline, "Ready to ship");
  report.calibration.folder = "random";
  EXPECT_EQ(judge_accuracy(report).headline, "Look before you ship");
  EXPECT_TRUE(judge_accuracy(report).reason.ends_with("made up (random), which says little about real images."))
      << judge_accuracy(report).reason;
  report.accuracy.agreement = 0.5;
  EXPECT_EQ(judge_accuracy(report).headline, "Do not ship");
}

TEST(Judge, FiguresOfAPartOfTheImagesSaySo) {
  Report report = sample_report();
  report.accuracy.agreement = 1;
  report.accuracy.left_out = 1;
  EXPECT_EQ(judge_accuracy(report).headline, "Look before you ship");
  EXPECT_NE(judge_accuracy(report).reason.find("the images that could be compared, 1 of 2"), std::string::npos);
  report.accuracy.images.clear();
  EXPECT_EQ(judge_accuracy(report).headline, "Not measured");
  EXPECT_NE(judge_accuracy(report).reason.find("differ in size for every test image"), std::string::npos);
}

Verdict::Level level(double agreement, double miou_quantized) {
  Report report = sample_report();
  report.accuracy.agreement = agreement;
  report.accuracy.miou_fp32 = 0.5;
  report.accuracy.miou_quantized = miou_quantized;
  return judge(report).level;
}

TEST(Judge, LooksAtAgreementAndAtTheLabels) {
  using enum Verdict::Level;
  EXPECT_EQ(level(0.98, 0.495), good);
  EXPECT_EQ(level(0.96, 0.495), look);
  EXPECT_EQ(level(0.98, 0.48), look);
  EXPECT_EQ(level(0.89, 0.5), poor);
  EXPECT_EQ(level(0.98, 0.46), poor);
  EXPECT_EQ(level(not_a_number, 0.5), poor);
  EXPECT_EQ(level(0.98, not_a_number), poor);
}

TEST(Judge, SaysInOneSentenceWhatDecided) {
  Report report = sample_report();
  EXPECT_EQ(judge(report).reason, "97.52 % of the pixels keep their class, and mIoU against the labels falls by 0.0020.");
  report.accuracy.miou_quantized = 0.41;
  EXPECT_EQ(judge(report).reason, "97.52 % of the pixels keep their class, and mIoU against the labels rises by 0.0110.");
  report.accuracy.miou_quantized.reset();
  EXPECT_EQ(judge(report).reason, "97.52 % of the pixels keep their class.");
}

// However many pixels keep their class.
TEST(Judge, PutsWhatWasDemandedBeforeTheRuleOfThumb) {
  Report report = report_that_misses_a_gate();
  EXPECT_EQ(judge(report).level, Verdict::Level::poor);
  EXPECT_EQ(judge(report).headline, "Do not ship");
  EXPECT_TRUE(
      judge(report).reason.starts_with("A gate is missed: PSNR is 42.40 dB, --min-psnr demands at least 45 dB. 97.52 % of the pixels"));
  EXPECT_EQ(judge_accuracy(report).level, Verdict::Level::good);
  report = sample_report();
  report.mixed->reached = false;
  EXPECT_EQ(judge(report).level, Verdict::Level::poor);
  EXPECT_TRUE(judge(report).reason.starts_with("What --reach asks for was not reached. 97.52 %"));
}

TEST(Judge, SaysWhatCouldNotBeComputed) {
  Report report = sample_report();
  report.accuracy.agreement = not_a_number;
  EXPECT_EQ(judge(report).headline, "Do not ship");
  EXPECT_EQ(judge(report).reason, "How many pixels keep their class could not be computed.");
}

TEST(Judge, KnowsNothingWithoutTestImages) {
  Report report = sample_report();
  report.accuracy.images.clear();
  EXPECT_EQ(judge(report).level, Verdict::Level::look);
  EXPECT_EQ(judge(report).headline, "Not measured");
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Judge, LooksAtAWorstPictureBelow30DecibelsAndNamesIt) {
  Report report = sample_report();
  report.accuracy.psnr_db_worst = 30;
  EXPECT_EQ(judge(report).level, Verdict::Level::good);
  report.accuracy.psnr_db_worst = 18.44;
  EXPECT_EQ(judge(report).headline, "Look before you ship");
  EXPECT_TRUE(judge(report).reason.ends_with(" The worst picture, b.png, has PSNR 18.44 dB.")) << judge(report).reason;
  EXPECT_EQ(level_by_figures(report), Verdict::Level::look) << "there is something to try next";
  report.accuracy.psnr_db_worst = not_a_number;
  EXPECT_EQ(judge(report).level, Verdict::Level::look);
  report.accuracy.agreement = 0.5;
  EXPECT_EQ(judge(report).headline, "Do not ship");
}

TEST(Judge, LooksAtTheAgreementOfTheWorstPictureWhereTheOutputsAreClasses) {
  Report report = sample_report();
  report.accuracy.only_classes = true;
  report.accuracy.psnr_db_worst = 18.44;
  EXPECT_EQ(judge(report).level, Verdict::Level::good) << "of classes' numbers";
  report.accuracy.images[1].agreement = 0.85;
  EXPECT_EQ(judge(report).level, Verdict::Level::look);
  EXPECT_TRUE(contains(judge(report).reason, "The worst picture, b.png, has 85.00 % of the pixels as FP32.")) << judge(report).reason;
}

TEST(Judge, IsNoBetterThanALookWhereFp32ItselfFailsOnTheLabels) {
  Report report = sample_report();
  report.accuracy.miou_fp32 = 0.061, report.accuracy.miou_quantized = 0.0603, report.accuracy.miou_one_class.reset();
  EXPECT_EQ(judge(report).headline, "Look before you ship");
  EXPECT_TRUE(contains(judge(report).reason, "falls by 0.0007. FP32 itself reaches only 0.0610 mIoU on the labels: check --preprocess"))
      << judge(report).reason;
}

TEST(Judge, LooksAtAnInt8ModelThatACpuGainsNothingBy) {
  Report report = sample_report();
  report.quantized.bytes = 4'800'000;
  EXPECT_EQ(judge(report).level, Verdict::Level::good) << "faster";
  report.latency->speedup = 1 / 1.74, report.latency->fp32.median_ms = 40, report.latency->quantized.median_ms = 69.6;
  EXPECT_EQ(judge(report).headline, "Look before you ship");
  EXPECT_TRUE(contains(judge(report).reason, "Beside FP32 it is 1.20x larger and 1.74x slower on this machine: nothing is gained."))
      << judge(report).reason;
  EXPECT_EQ(level_by_figures(report), Verdict::Level::good) << "not of accuracy";
  Report other = report;
  other.quantized.bytes = 1'000'000;
  EXPECT_EQ(judge(other).level, Verdict::Level::good) << "smaller";
  other = report;
  other.scheme = "w8a16";
  EXPECT_EQ(judge(other).level, Verdict::Level::good) << "for NPUs";
  other = report;
  other.target = "qnn";
  EXPECT_EQ(judge(other).level, Verdict::Level::good);
  other = report;
  other.latency.reset();
  EXPECT_EQ(judge(other).level, Verdict::Level::good) << "not known";
}

}  // namespace
}  // namespace quantize
