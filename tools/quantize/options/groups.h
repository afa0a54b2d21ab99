// The options of every sub-command, in groups: one file per group (job.cpp, preprocessing.cpp, ...) holds its option table and what turns
// the text into typed values. A sub-command is composed of groups, so an option added to one appears in every sub-command that has the
// group.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "arguments.h"

namespace quantize::cli {

// What CLI11 reads before it becomes Options; the finish_... functions do that.
struct Raw {
  std::string scheme = "w8a8", preprocess, input_shape, reach, budget;
  RangeMethod method = RangeMethod::automatic;
  std::optional<double> percentile;
  Granularity weights = Granularity::per_channel;
  int block_size = 0;
  Symmetry activations = Symmetry::asymmetric;
  bool activations_given = false;
  std::optional<float> scale;
  std::vector<float> mean, std;
  std::vector<std::string> shapes;
  std::string shell, export_encodings;
  std::string shard;
};

// What the options of one command line are bound to; has to outlive the CLI::App.
struct Input {
  Arguments arguments;
  Raw raw;
};

void add_model(CLI::App& app, Input& input);  // the positional MODEL
void add_job_options(CLI::App& app, Input& input);
void add_dry_run(CLI::App& app, Input& input);  // of the main job: its parts would run all the same
void add_preprocessing_options(CLI::App& app, Input& input);
void add_quantization_options(CLI::App& app, Input& input);
void add_mixed_options(CLI::App& app, Input& input);
void add_evaluation_options(CLI::App& app, Input& input);
void add_interface_options(CLI::App& app, Input& input);
void add_gate_options(CLI::App& app, Input& input);
void add_general_options(CLI::App& app, Input& input);
void add_memory_limit(CLI::App& app, Input& input);  // of the main job and its parts

// All of the above, and what they need once they are read.
void add_run_options(CLI::App& app, Input& input);
void finish_run_options(Input& input);
// What -o is in a sub-command that writes something else than a quantized model.
void describe_output(CLI::App& app, const std::string& help);
// <model without .onnx>.<scheme><ending>
std::filesystem::path beside_model(const Options& options, const std::string& ending);

// Throw Error{usage} naming the option.
void finish_preprocessing(const Raw& raw, Options& options);
void finish_quantization(const Raw& raw, Options& options);
void finish_mixed(const Raw& raw, Options& options);
void finish_interface(const Raw& raw, Options& options);

// "1x3x480x640"
Shape parse_shape(const std::string& text);

}  // namespace quantize::cli
