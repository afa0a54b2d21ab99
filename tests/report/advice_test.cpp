#include "report/advice.h"

#include <gtest/gtest.h>

#include "report/sample_report.h"

namespace quantize {
namespace {

// A run that lost too much: layers a, b, c in this order, c far below the others.
Report poor_report() {
  Report report = sample_report();
  report.command = "quantize net.onnx --calib 'my pictures' --scheme w8a8";
  report.quantized.path = "out/net.w8a8.onnx";
  report.accuracy.agreement = 0.8;
  report.accuracy.sqnr_db = 11;
  report.decisions = {{"a", "Conv", true, "", "", ""}, {"b", "Conv", true, "", "", ""}, {"c", "Conv", true, "", "", ""}};
  report.layers = {{"c", "Conv", "tc", 12}, {"b", "Conv", "tb", 28}, {"a", "Conv", "ta", 30}};
  return report;
}

std::vector<std::string> commands(const Report& report) {
  std::vector<std::string> all;
  for (const auto& next : advise(report)) all.push_back(next.command);
  return all;
}

TEST(Advise, ChangesTheRunsOwnCommand) {
  EXPECT_EQ(commands(poor_report()), (std::vector<std::string>{
                                         "quantize net.onnx --calib 'my pictures' --scheme w8a8 -o out/net.w8a8.exclude.onnx --exclude c",
                                         "quantize net.onnx --calib 'my pictures' --scheme w8a8 -o out/net.w8a8.O2.onnx -O2",
                                         "quantize net.onnx --calib 'my pictures' -o out/net.w8a16.onnx --scheme w8a16",
                                     }));
}

TEST(Advise, NamesALayerOnlyWhereTheLossBeginsThere) {
  Report report = poor_report();
  report.layers[0].sqnr_db = 24;  // less than 6 dB below b
  EXPECT_EQ(commands(report).size(), 2U);
  report = poor_report();
  report.accuracy.sqnr_db = 30;  // what c loses does not reach the output
  EXPECT_EQ(commands(report).size(), 2U);
  report = poor_report();
  report.decisions[2].quantized = false;
  EXPECT_EQ(commands(report).size(), 2U);
}

TEST(Advise, NamesNoLayerBehindWhichTheNetworkRecoversOrLosesMore) {
  Report report = poor_report();
  report.accuracy.sqnr_db = 15;  // 3 dB better than what c leaves
  EXPECT_EQ(commands(report).size(), 2U);
  report.accuracy.sqnr_db = 8;  // less than half of it is c's
  EXPECT_EQ(commands(report).size(), 2U);
  report.accuracy.sqnr_db = 12.3;  // the same, but for the pictures it is of
  EXPECT_EQ(commands(report).size(), 3U);
}

// The step down from a nearly exact layer is the largest in decibels, but adds next to nothing.
TEST(Advise, NamesTheLayerThatAddsMostNoise) {
  Report report = poor_report();
  report.layers = {{"a", "Conv", "ta", 81}, {"b", "Conv", "tb", 44.7}, {"c", "Conv", "tc", 23.8}};
  report.accuracy.sqnr_db = 22;
  EXPECT_TRUE(commands(report).front().ends_with("--exclude c")) << commands(report).front();
}

TEST(Advise, OffersNothingThatTheRunsOwnFilesOrBudgetRefuse) {
  const auto after = [](const std::string& option) {
    Report report = poor_report();
    report.config = {{option, "given"}, {"optimize", "1"}};
    return commands(report);
  };
  const std::string exclude = "quantize net.onnx --calib 'my pictures' --scheme w8a8 -o out/net.w8a8.exclude.onnx --exclude c";
  const std::string next_level = "quantize net.onnx --calib 'my pictures' --scheme w8a8 -o out/net.w8a8.O2.onnx -O2";
  EXPECT_EQ(after("assignment"), std::vector<std::string>{next_level});
  EXPECT_EQ(after("budget"), (std::vector{exclude, next_level}));
  EXPECT_EQ(after("import-encodings"), std::vector{exclude});
  Report slow = sample_report();
  slow.scheme = "w8a16";
  slow.latency->speedup = 0.5;
  slow.config = {{"assignment", "a.json"}};
  EXPECT_TRUE(commands(slow).empty());
}

TEST(Advise, WritesOverNoneOfTheRunsOwnFiles) {
  Report report = poor_report();
  report.command = "quantize net.onnx --save-assignment a.json --export-encodings=aimet:net.encodings";
  for (const auto& command : commands(report)) {
    EXPECT_EQ(command.find("a.json"), std::string::npos) << command;
    EXPECT_EQ(command.find("net.encodings"), std::string::npos) << command;
  }
}

// An option of the command line would take the place of the file's, and a file's cannot be taken away.
TEST(Advise, WritesOutWhatStoodInAConfiguration) {
  Report report = poor_report();
  report.command = "quantize --config job.toml -o out/net.w4a16.onnx net.onnx";
  report.scheme = "w4a16";
  report.quantized.path = "out/net.w4a16.onnx";
  report.config = {{"model", "net.onnx"},    {"calib", "my pictures"}, {"output", "out/net.w4a16.onnx"},
                   {"scheme", "w4a16"},      {"optimize", "1"},        {"save-assignment", "a.json"},
                   {"block-size", "32"},     {"exclude", "a,b"},       {"export-encodings", "aimet:net.encodings"},
                   {"mean", "0.5,0.5,0.25"}, {"strict", "true"},       {"ci", "false"}};
  const std::string rest = " --exclude a --exclude b --mean 0.5,0.5,0.25 --strict -o out/net.",
                    start = "quantize net.onnx --calib 'my pictures'";
  EXPECT_EQ(commands(report), (std::vector<std::string>{
                                  start + " --scheme w4a16 --optimize 1 --block-size 32" + rest + "w4a16.exclude.onnx --exclude c",
                                  start + " --scheme w4a16 --block-size 32" + rest + "w4a16.O2.onnx -O2",
                                  start + " --optimize 1" + rest + "w8a16.onnx --scheme w8a16",
                              }));
  report.config.emplace_back("exclude-regex", "a{1,2}");  // which may have been two
  EXPECT_TRUE(commands(report).empty());
}

TEST(Advise, DoesNotRepeatWhatWasDone) {
  Report report = poor_report();
  report.config = {{"optimize", "2"}};
  report.scheme = "w8a16";
  report.layers.clear();
  EXPECT_TRUE(commands(report).empty());
}

// The next level, whichever way the one of this run was written.
TEST(Advise, GoesOneLevelUp) {
  const auto after = [](const std::string& words, const std::string& level) {
    Report report = poor_report();
    report.layers.clear();
    report.command = "quantize net.onnx " + words;
    report.config = {{"optimize", level}};
    return commands(report).front();
  };
  EXPECT_EQ(after("-O0", "0"), "quantize net.onnx -o out/net.w8a8.O1.onnx -O1");
  EXPECT_EQ(after("--optimize=1", "1"), "quantize net.onnx -o out/net.w8a8.O2.onnx -O2");
  EXPECT_EQ(after("--optimize 1", "1"), "quantize net.onnx -o out/net.w8a8.O2.onnx -O2");
  EXPECT_EQ(after("-O 3", "3"), "quantize net.onnx -O 3 -o out/net.w8a16.onnx --scheme w8a16");
}

TEST(Advise, ChangesNoCommandThatMakesNoOtherModel) {
  Report report = poor_report();
  for (const char* command :
       {"quantize evaluate net.onnx net.w8a8.onnx --test pictures", "quantize apply net.onnx --encodings net.json --calib pictures"}) {
    report.command = command;
    EXPECT_TRUE(advise(report).empty()) << command;
  }
}

TEST(Advise, OffersNoSchemeThatTheTargetRefuses) {
  Report report = poor_report();
  report.layers.clear();
  report.target = "tensorrt";
  EXPECT_EQ(commands(report).size(), 1U);  // the level alone
}

TEST(Advise, LeavesBlocksBehindWithFourBits) {
  Report report = poor_report();
  report.layers.clear();
  report.scheme = "w4a16";
  report.command = "quantize net.onnx --scheme w4a16 --block-size 32";
  EXPECT_EQ(commands(report).back(), "quantize net.onnx -o out/net.w8a8.w8a16.onnx --scheme w8a16");
}

TEST(Advise, AsksForNothingWhenAllIsWell) { EXPECT_TRUE(advise(sample_report()).empty()); }

TEST(Advise, HelpsWhereAFigureOfAccuracyIsBelowWhatWasDemanded) {
  Report report = report_that_misses_a_gate();
  EXPECT_FALSE(advise(report).empty());
  report.gates[0].measured.reset();  // nor is a figure known to be too low that was not measured
  EXPECT_TRUE(advise(report).empty());
  report = sample_report();
  report.mixed->reached = false;
  EXPECT_FALSE(advise(report).empty());
}

TEST(Advise, KnowsThatACpuComputes16BitsInFloat) {
  Report report = sample_report();
  report.scheme = "w8a16";
  report.latency->speedup = 0.5;
  const auto advice = advise(report);
  ASSERT_EQ(advice.size(), 1U);
  EXPECT_NE(advice[0].reason.find("2.00x slower than FP32"), std::string::npos);
  EXPECT_TRUE(advice[0].command.ends_with("--scheme w8a8"));
}

Report report_that_misses(const std::string& gate, const std::string& scheme) {
  Report report = sample_report();
  report.scheme = scheme;
  report.accuracy.agreement = 0.999;
  report.gates = {{gate, "a figure", "x", true, 9, 2.5, false}};
  return report;
}

TEST(Advise, OffersFewerBitsWhereTheFileIsTooLarge) {
  Report report = report_that_misses("--min-size-ratio", "w8a8");
  EXPECT_EQ(commands(report), std::vector<std::string>{"quantize net.onnx --calib pictures -o out/net_w8a8.w4a16.onnx --scheme w4a16"});
  report.sizes[0].quantized_bytes = 10'000;  // hardly any of it
  EXPECT_TRUE(commands(report).empty());
  EXPECT_TRUE(commands(report_that_misses("--min-size-ratio", "w4a16")).empty());
  report = report_that_misses("--min-size-ratio", "w8a8");
  report.gates.push_back({"--min-psnr", "PSNR", "dB", true, 60, 42.4, false});  // which fewer bits would lower further
  for (const auto& command : commands(report)) EXPECT_EQ(command.find("w4a16"), std::string::npos) << command;
}

TEST(Advise, OffersIntegersWhereTheModelIsTooSlow) {
  Report report = report_that_misses("--min-speedup", "w8a16");
  for (const double speedup : {0.5, 1.2}) {
    report.latency->speedup = speedup;
    EXPECT_EQ(commands(report), std::vector<std::string>{"quantize net.onnx --calib pictures -o out/net_w8a8.w8a8.onnx --scheme w8a8"});
  }
  report.accuracy.agreement = 0.8;  // by the rule of thumb too low; but that was not demanded
  EXPECT_TRUE(commands(report).front().ends_with("--scheme w8a8"));
  report = report_that_misses("--min-speedup", "w8a8");
  report.accuracy.agreement = 0.8;
  for (const auto& command : commands(report)) EXPECT_EQ(command.find("a16"), std::string::npos) << command;
}

TEST(Advise, SaysNothingWithoutFigures) {
  Report report = poor_report();
  report.accuracy.images.clear();
  EXPECT_TRUE(advise(report).empty());
}

}  // namespace
}  // namespace quantize
