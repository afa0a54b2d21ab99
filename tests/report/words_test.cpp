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
  EXPECT_EQ(words::miou(0.398979), "0.3990");
}

// As JavaScript's toFixed() rounds, on the page: of two that are equally near, the one farther from zero.
TEST(Words, RoundAsThePageDoesAndSayNoNegativeZero) {
  EXPECT_EQ(words::fixed(31.25, 1), "31.3");
  EXPECT_EQ(words::fixed(-31.25, 1), "-31.3");
  EXPECT_EQ(words::fixed(1.45, 1), "1.4") << "stored as a little less";
  EXPECT_EQ(words::fixed(2.5, 0), "3");
  EXPECT_EQ(words::bytes(1250), "1.3 kB");
  EXPECT_EQ(words::fixed(-0.00001, 4), "0.0000");
  EXPECT_EQ(words::fixed(-0.0003, 4), "-0.0003");
  EXPECT_EQ(words::fixed(-10, 0), "-10");
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

TEST(Words, SayWhichRatioItIsWhereTheMediansContradictIt) {
  Report report = sample_report();
  EXPECT_EQ(words::compare_speed(*report.latency), "2.50x faster");
  EXPECT_EQ(words::noisy_machine(report), "");
  report.latency = Latency{.fp32 = {13.5, 10.04, 25}, .quantized = {9.6, 9.1, 12}, .speedup = 1.97, .runs = 20, .threads = 2};
  EXPECT_EQ(words::compare_speed(*report.latency), "1.97x faster (median of the ratios in turn)");
  EXPECT_EQ(
      words::noisy_machine(report),
      "this machine is too noisy to time on: the median of the ratios in turn is 1.97, the ratio of the medians 1.41; FP32 took 10.04 to "
      "25.00 ms, the quantized model 9.10 to 12.00 ms (the middle 80 % of 20 runs)");
  report.latency->speedup = 1.41 / 1.3;
  EXPECT_NE(words::noisy_machine(report), "") << "to either side";
  report.latency->speedup = 1.6;
  EXPECT_EQ(words::noisy_machine(report), "");
  report.latency.reset();
  EXPECT_EQ(words::noisy_machine(report), "");
}

TEST(Words, SayWhereFp32ItselfFailsOnTheLabels) {
  Accuracy accuracy = sample_report().accuracy;
  EXPECT_EQ(words::fp32_fails_on_labels(accuracy), "");
  accuracy.miou_fp32 = 0.061, accuracy.miou_one_class.reset();
  EXPECT_EQ(words::fp32_fails_on_labels(accuracy),
            "FP32 itself reaches only 0.0610 mIoU on the labels: check --preprocess, --color and the class numbers");
  accuracy.miou_fp32 = 0.48, accuracy.miou_one_class = 0.475;
  EXPECT_EQ(
      words::fp32_fails_on_labels(accuracy),
      "FP32 itself reaches only 0.4800 mIoU on the labels, where one class all over reaches 0.4750: check --preprocess, --color and the "
      "class numbers");
  accuracy.miou_fp32 = 0.5;
  EXPECT_EQ(words::fp32_fails_on_labels(accuracy), "");
  accuracy.miou_fp32.reset();
  EXPECT_EQ(words::fp32_fails_on_labels(accuracy), "");
}

TEST(Words, SayWhetherAModelWasMadeOrOnlyEvaluated) {
  Report report = sample_report();
  EXPECT_EQ(words::how_made(report), "w8a8 for ort-cpu, made in 93.0 s");
  report.decisions.clear();
  report.test.images = 24, report.seconds = 1.5;
  EXPECT_EQ(words::how_made(report), "w8a8, evaluated on 24 pictures in 1.5 s");
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

}  // namespace
}  // namespace quantize
