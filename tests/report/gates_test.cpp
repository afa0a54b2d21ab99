#include "report/gates.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/sample_report.h"
#include "report/write_report.h"

namespace quantize {
namespace {

bool passes(const Gates& gates, const Report& report = sample_report()) {
  const auto results = check_gates(gates, report);
  EXPECT_EQ(results.size(), 1U);
  return results.at(0).passed;
}

// The sample: PSNR 42.4, SQNR 26.3, agreement 0.9752, mIoU 0.397 of 0.399 against labels and 0.883 against FP32, 4 MB to 1 MB, 2.5 times
// faster.
TEST(Gates, HoldAtTheThresholdAndMissBeyondIt) {
  EXPECT_TRUE(passes({.min_psnr = 42.4}));
  EXPECT_FALSE(passes({.min_psnr = 42.41}));
  EXPECT_TRUE(passes({.min_sqnr = 26.3}));
  EXPECT_FALSE(passes({.min_sqnr = 26.31}));
  EXPECT_TRUE(passes({.min_agreement = 0.9752}));
  EXPECT_FALSE(passes({.min_agreement = 0.976}));
  EXPECT_TRUE(passes({.min_miou = 0.397}));
  EXPECT_FALSE(passes({.min_miou = 0.398}));
  EXPECT_TRUE(passes({.max_miou_drop = 0.0021}));
  EXPECT_FALSE(passes({.max_miou_drop = 0.0019}));
  EXPECT_TRUE(passes({.min_size_ratio = 4}));
  EXPECT_FALSE(passes({.min_size_ratio = 4.01}));
  EXPECT_TRUE(passes({.min_speedup = 2.5}));
  EXPECT_FALSE(passes({.min_speedup = 2.6}));
}

TEST(Gates, WithoutLabelsMiouIsAgainstFp32) {
  auto report = sample_report();
  report.accuracy.miou_fp32.reset(), report.accuracy.miou_quantized.reset(), report.accuracy.labels.reset();
  EXPECT_TRUE(passes({.min_miou = 0.883}, report));
  EXPECT_FALSE(passes({.min_miou = 0.884}, report));
  EXPECT_FALSE(passes({.max_miou_drop = 1}, report));
}

TEST(Gates, LabelsThatCannotBeUsedDoNotMakeFp32TheTruth) {
  auto report = sample_report();
  report.accuracy.miou_fp32.reset(), report.accuracy.miou_quantized.reset();
  report.accuracy.labels = LabelPixels{.all = 16, .none = 16, .beyond = 0};
  const auto gate = check_gates({.min_miou = 0.1}, report).at(0);
  EXPECT_FALSE(gate.passed);
  EXPECT_EQ(describe(gate), "mIoU against the labels was not measured, --min-miou demands at least 0.1");
}

TEST(Gates, WhatWasNotMeasuredIsMissed) {
  auto report = sample_report();
  report.latency.reset();
  EXPECT_FALSE(passes({.min_speedup = 0}, report));
  report.accuracy.psnr_db = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(passes({.min_psnr = -1000}, report));
  report.accuracy.images.clear();
  EXPECT_FALSE(passes({.min_agreement = 0}, report));
  EXPECT_EQ(describe(check_gates({.min_speedup = 2}, report)[0]), "speed-up was not measured, --min-speedup demands at least 2x");
}

TEST(Gates, FiguresOfSomeOfTheImagesMeetNoGate) {
  auto report = sample_report();
  report.accuracy.left_out = 1;
  for (const Gates& gates : {Gates{.min_psnr = 0}, Gates{.min_sqnr = 0}, Gates{.min_agreement = 0}, Gates{.min_miou = 0}}) {
    const auto gate = check_gates(gates, report).at(0);
    EXPECT_FALSE(gate.passed || gate.measured) << gate.option;
  }
  EXPECT_FALSE(passes({.max_miou_drop = 0.9}, report));
  EXPECT_TRUE(passes({.min_size_ratio = 4}, report)) << "this is not of images";
}

TEST(Gates, NoErrorAtAllPasses) {
  auto report = sample_report();
  report.accuracy.psnr_db = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(passes({.min_psnr = 1000}, report));
}

TEST(Gates, NameFigureAndThreshold) {
  EXPECT_EQ(describe(check_gates({.min_psnr = 50}, sample_report())[0]), "PSNR is 42.40 dB, --min-psnr demands at least 50 dB");
  EXPECT_EQ(describe(check_gates({.max_miou_drop = 0.001}, sample_report())[0]),
            "loss of mIoU against the labels is 0.0020, --max-miou-drop demands at most 0.001");
  auto report = sample_report();
  report.accuracy.agreement = 0.98996;
  EXPECT_EQ(describe(check_gates({.min_agreement = 0.99}, report)[0]), "class agreement is 98.99 %, --min-agreement demands at least 0.99");
  EXPECT_EQ(describe(check_gates({.min_size_ratio = 4.5}, report)[0]), "size ratio is 4.00x, --min-size-ratio demands at least 4.5x");
  report.accuracy.psnr_db = std::numeric_limits<double>::infinity();
  EXPECT_EQ(describe(check_gates({.min_psnr = 50}, report)[0]), "PSNR is without error, --min-psnr demands at least 50 dB");
  EXPECT_FALSE(Gates{}.any());
  EXPECT_TRUE(Gates{.min_speedup = 1}.any());
}

// The same digits everywhere, and never a power of ten.
TEST(Gates, SayTheFigureAsTheRestOfTheReportDoes) {
  auto report = sample_report();
  report.accuracy.miou_fp32 = 0.4, report.accuracy.miou_quantized = 0.4 - 0.0020012;
  EXPECT_EQ(describe(check_gates({.max_miou_drop = 0.0003}, report)[0]),
            "loss of mIoU against the labels is 0.0020, --max-miou-drop demands at most 0.0003");
  report.accuracy.miou_quantized = 0.4003;
  EXPECT_EQ(describe(check_gates({.max_miou_drop = 0.01}, report)[0]),
            "loss of mIoU against the labels is -0.0003, --max-miou-drop demands at most 0.01");
}

TEST(Gates, SayAllDigitsWhereTheFigureWouldReadAsIfItMetTheThreshold) {
  auto report = sample_report();
  report.accuracy.miou_quantized = 0.398979;
  EXPECT_EQ(describe(check_gates({.min_miou = 0.399}, report)[0]),
            "mIoU against the labels is 0.3990 (to be exact, 0.398979), --min-miou demands at least 0.399");
  EXPECT_EQ(describe(check_gates({.min_miou = 0.398979}, report)[0]),
            "mIoU against the labels is 0.3990, --min-miou demands at least 0.398979");
}

TEST(WriteJunit, EscapesWhatXmlForbids) {
  auto report = report_that_misses_a_gate();
  report.quantized.path = "out/a<b>&\"c\".onnx";
  const auto text = write_junit(report);
  EXPECT_NE(text.find("a&lt;b&gt;&amp;&quot;c&quot;.onnx"), std::string::npos);
  EXPECT_NE(text.find("tests=\"3\" failures=\"2\""), std::string::npos);
  EXPECT_NE(text.find("<failure message=\"PSNR is 42.40 dB, --min-psnr demands at least 45 dB\"/>"), std::string::npos);
}

TEST(WriteJunit, ClaimsToHaveMadeNoModelThatWasOnlyCompared) {
  auto report = sample_report();
  EXPECT_NE(write_junit(report).find("name=\"quantized and verified\""), std::string::npos);
  report.decisions.clear();
  EXPECT_NE(write_junit(report).find("name=\"compared with FP32\""), std::string::npos);
  EXPECT_EQ(write_junit(report).find("quantized and verified"), std::string::npos);
}

TEST(WriteJunit, IsXmlWhateverTheBytesOfAName) {
  auto report = sample_report();
  report.quantized.path = "out/m\xe8le.onnx";  // Latin-1
  EXPECT_NE(write_junit(report).find("m\xef\xbf\xbdle.onnx"), std::string::npos);
}

TEST(WriteJunit, LeavesOutWhatWasNotMeasured) {
  auto report = sample_report();
  EXPECT_NE(write_junit(report).find("\"agreement\""), std::string::npos);
  report.accuracy.images.clear();
  for (const char* figure : {"psnr", "sqnr", "agreement", "miou_vs_fp32"})
    EXPECT_EQ(write_junit(report).find(std::string("property name=\"") + figure + "\""), std::string::npos) << figure;
}

TEST(WriteMarkdown, LetsNoNameSteerATerminal) {
  auto report = sample_report();
  report.layers[0].node = "conv\x1b[31m";
  EXPECT_NE(write_markdown(report).find("conv?[31m"), std::string::npos);
  EXPECT_EQ(write_markdown(report).find('\x1b'), std::string::npos);
}

TEST(WriteMarkdown, KeepsNamesInTheirCells) {
  auto report = sample_report();
  report.layers[0].node = "a|b`c";
  const auto text = write_markdown(report);
  EXPECT_NE(text.find("| `a\\|b'c` (Conv) | 12.50 dB |"), std::string::npos) << text;
  EXPECT_NE(text.find("| size | 4.00x smaller (4.0 MB to 1.0 MB) |"), std::string::npos) << text;
}

TEST(WriteMarkdown, LeadsWithAgreementWhereTheOutputsAreClasses) {
  auto report = sample_report();
  EXPECT_LT(write_markdown(report).find("| PSNR |"), write_markdown(report).find("| class agreement |"));
  report.accuracy.only_classes = true;
  EXPECT_GT(write_markdown(report).find("| PSNR of the classes' numbers |"), write_markdown(report).find("| class agreement |"));
}

TEST(WriteMarkdown, SaysWhatTheStepsThatWereJudgedGained) {
  const auto text = write_markdown(sample_report());
  EXPECT_NE(text.find("|---|---|\n| `fit-weights` | 27.25 dB to 33.50 dB |\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| step | SQNR before and after, on calibration pictures (each with what is quantized by then) |"),
            std::string::npos);
  EXPECT_EQ(text.find("fold-batch-norm"), std::string::npos) << text;
}

}  // namespace
}  // namespace quantize
