#include "arguments.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "commands/commands.h"
#include "support/error_text.h"

namespace quantize::cli {
namespace {

Arguments parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "quantize");
  return parse(static_cast<int>(words.size()), words.data());
}

std::string refusal(std::vector<const char*> words) {
  return test::error_text([&] { return parsed(std::move(words)); }, ErrorKind::usage);
}

TEST(Arguments, ShortFormIsTheCommandWithoutAName) {
  const auto arguments = parsed({"model.onnx", "--calib", "images", "--scheme", "w4a16", "-O2"});
  EXPECT_EQ(arguments.command->name, "");
  EXPECT_EQ(arguments.options.model, "model.onnx");
  EXPECT_EQ(arguments.options.output, "model.w4a16.onnx");
  EXPECT_EQ(arguments.options.scheme.weight_bits, 4);
  EXPECT_EQ(arguments.options.level, Level::o2);
  EXPECT_EQ(arguments.options.command, "quantize model.onnx --calib images --scheme w4a16 -O2");
}

TEST(Arguments, EveryCommandHasDefaultsOfItsOwn) {
  EXPECT_EQ(parsed({"a.onnx"}).options.output, "a.w8a8.onnx");
  EXPECT_EQ(parsed({"calibrate", "a.onnx", "--shard", "2/3"}).options.output, "a.w8a8.statistics.2of3.json");
  EXPECT_EQ(parsed({"encode", "a.onnx", "--statistics", "s.json"}).options.output, "a.w8a8.encodings.json");
  EXPECT_EQ(parsed({"evaluate", "a.onnx", "b.onnx"}).options.output, "b.evaluation.onnx");
  EXPECT_EQ(parsed({"report", "a.json"}).options.output, "comparison.html");
  EXPECT_EQ(parsed({"batch", "a.toml"}).options.output, "batch");
}

TEST(Arguments, SubCommandIsNamedFirst) {
  const auto arguments = parsed({"measure-memory", "m.onnx", "1x3x4x5", "2"});
  EXPECT_EQ(arguments.command->name, "measure-memory");
  EXPECT_EQ(arguments.shapes, (std::vector<Shape>{{1, 3, 4, 5}, {2}}));
  EXPECT_NE(refusal({"-v", "measure-memory", "m.onnx"}).find("comes first"), std::string::npos);
}

TEST(Arguments, AnOptionThatMayBeRepeatedTakesOneValueAtATime) {
  const auto arguments = parsed({"--exclude-op", "Softmax", "--exclude-op", "Add", "--exclude", "conv1", "--exclude-regex", "b",
                                 "--without", "absorb-bias", "--mean", "0.1,0.2,0.3", "--std", "0.5", "model.onnx", "--calib", "images"});
  const auto& options = arguments.options;
  EXPECT_EQ(options.model, "model.onnx");
  EXPECT_EQ(options.exclusions.op_types, (std::vector<std::string>{"Softmax", "Add"}));
  EXPECT_EQ(options.exclusions.nodes, (std::vector<std::string>{"conv1"}));
  EXPECT_EQ(options.preprocess.mean, (std::vector<float>{0.1F, 0.2F, 0.3F}));
}

TEST(Arguments, OnlyWhatCanRunDryIsAskedTo) {
  EXPECT_TRUE(parsed({"m.onnx", "--calib", "images", "--dry-run"}).dry_run);
  EXPECT_NE(refusal({"calibrate", "m.onnx", "--calib", "images", "--dry-run"}).find("--dry-run"), std::string::npos);
  EXPECT_NE(refusal({"encode", "m.onnx", "--statistics", "s.json", "--dry-run"}).find("--dry-run"), std::string::npos);
  EXPECT_NE(refusal({"apply", "m.onnx", "--encodings", "e.json", "--dry-run"}).find("--dry-run"), std::string::npos);
  EXPECT_NE(refusal({"sensitivity", "m.onnx", "--calib", "images", "--dry-run"}).find("--dry-run"), std::string::npos);
}

TEST(Arguments, MistypedWordsAreAnsweredWithTheNearest) {
  EXPECT_NE(refusal({"m.onnx", "--calb", "images"}).find("did you mean '--calib'?"), std::string::npos);
  EXPECT_NE(refusal({"m.onnx", "--sample=3"}).find("did you mean '--samples'?"), std::string::npos);
  EXPECT_NE(refusal({"m.onnx", "--scheme", "w8a6"}).find("did you mean"), std::string::npos);
}

TEST(Arguments, EverySubCommandHasASummaryAnExampleAndHelp) {
  Input input;
  const auto app = make_app(input);
  for (const auto& command : commands()) {
    EXPECT_FALSE(command.summary.empty());
    EXPECT_NE(command.examples.find("quantize " + command.name), std::string::npos) << command.name;
    if (command.name.empty()) continue;
    EXPECT_NE(app->get_subcommand(command.name)->help().find("Examples:"), std::string::npos);
  }
}

}  // namespace
}  // namespace quantize::cli
