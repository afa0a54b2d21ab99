#include "report/words.h"

#include <gtest/gtest.h>

#include "report/sample_report.h"

namespace quantize {
namespace {

TEST(Words, SaysNumbers) {
  EXPECT_EQ(words::fixed(1.005, 1), "1.0");
  EXPECT_EQ(words::fixed(-0.25, 2), "-0.25");
  EXPECT_EQ(words::fixed(infinite, 2), "infinite");
  EXPECT_EQ(words::fixed(not_a_number, 2), "-");
  EXPECT_EQ(words::decibels(infinite), "no error");
  EXPECT_EQ(words::decibels(999), "no error");
  EXPECT_EQ(words::decibels(26.304), "26.30 dB");
  EXPECT_EQ(words::count(1, "run"), "1 run");
  EXPECT_EQ(words::count(0, "run"), "0 runs");
}

TEST(Words, RoundsSharesDownSoThatAHundredMeansAll) {
  EXPECT_EQ(words::percent(0.99999), "99.99 %");
  EXPECT_EQ(words::percent(1), "100.00 %");
  EXPECT_EQ(words::percent(0.9752), "97.52 %");
  EXPECT_EQ(words::percent(not_a_number), "-");
}

TEST(Words, SaysBytesInDecimalUnits) {
  EXPECT_EQ(words::bytes(0), "0 B");
  EXPECT_EQ(words::bytes(999), "999 B");
  EXPECT_EQ(words::bytes(1000), "1.0 kB");
  EXPECT_EQ(words::bytes(999'949), "999.9 kB");
  EXPECT_EQ(words::bytes(999'960), "1.0 MB");
  EXPECT_EQ(words::bytes(56'000'000), "56.0 MB");
}

TEST(Words, ComparesSpeedsAndSizes) {
  EXPECT_EQ(words::compare_speed(2.42), "2.42x faster");
  EXPECT_EQ(words::compare_speed(0.5), "2.00x slower");
  EXPECT_EQ(words::compare_speed(1.01), "as fast");
  EXPECT_EQ(words::compare_speed(0), "-");
  EXPECT_EQ(words::compare_speed(not_a_number), "-");
  EXPECT_EQ(words::compare_size(4, 1), "4.00x smaller");
  EXPECT_EQ(words::compare_size(100, 125), "1.25x larger");
  EXPECT_EQ(words::compare_size(0, 1), "-");
}

TEST(Words, TellSlowFromFastWithDigitsEnough) {
  Report report;
  report.latency = Latency{.fp32 = {.median_ms = 0.0312}, .quantized = {.median_ms = 0.0418}, .speedup = 0.75, .runs = 5, .threads = 1};
  EXPECT_EQ(words::slower_than_fp32(report), "the quantized model is slower than FP32 on this machine: 1.33x slower, 0.031 -> 0.042 ms");
  report.latency->fp32.median_ms = 12.34, report.latency->quantized.median_ms = 15.06;
  EXPECT_EQ(words::times(*report.latency, " to "), "12.3 to 15.1 ms");
  report.kernels = Kernels{.integer = 3, .floating = 2, .conversions = 1, .floats = {}};
  EXPECT_TRUE(words::slower_than_fp32(report).ends_with("; 2 of 5 operators run in float, with 1 conversion between them"));
}

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

TEST(Words, SayWhenTheMeasuredLatencyIsOverABudgetKeptByEstimate) {
  Report report;
  report.mixed = MixedPrecision{};
  report.mixed->cost = {{"size", 0.3, 0.25, 0.28}, {"latency", 0.5, 0.35, 0.48}};
  EXPECT_EQ(words::over_latency_budget(report), "") << "not timed";
  report.latency = Latency{.fp32 = {}, .quantized = {}, .speedup = 1.59, .runs = 5, .threads = 1};
  EXPECT_EQ(
      words::over_latency_budget(report),
      "--budget latency=0.50 was kept by estimate (0.48), but on this machine it is 0.63 of FP32's; a lower budget raises fewer bits");
  report.latency->speedup = 2.1;
  EXPECT_EQ(words::over_latency_budget(report), "");
  report.latency->speedup = 1.6;
  report.mixed->cost[1].wanted.reset();
  EXPECT_EQ(words::over_latency_budget(report), "") << "no limit given";
}

TEST(Words, SayWhenTheFileIsOverABudgetKeptByEstimate) {
  Report report;
  report.fp32.bytes = 100000;
  report.quantized.bytes = 30400;
  EXPECT_EQ(words::over_size_budget(report), "") << "no search";
  report.mixed = MixedPrecision{};
  report.mixed->cost = {{"size", 0.3, 0.25, 0.288}, {"latency", 0.5, 0.35, 0.48}};
  EXPECT_EQ(words::over_size_budget(report),
            "--budget size=0.300 was kept by estimate, but the file is 0.304 of FP32's; a lower budget raises fewer bits");
  report.quantized.bytes = 30000;
  EXPECT_EQ(words::over_size_budget(report), "");
  report.quantized.bytes = 50000;
  report.mixed->cost[0].wanted.reset();
  EXPECT_EQ(words::over_size_budget(report), "") << "no limit given";
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
      judge(report).reason.starts_with("A gate is missed: PSNR is 42.4 dB, --min-psnr demands at least 45 dB. 97.52 % of the pixels"));
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

}  // namespace
}  // namespace quantize
