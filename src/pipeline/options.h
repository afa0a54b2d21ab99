// Everything a run can be told, as plain typed values with the defaults. Text becomes these values once, in tools/quantize/arguments.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataset/preprocess.h"
#include "encode/foreign_encodings.h"
#include "encode/placement.h"
#include "encode/scheme.h"
#include "formats/statistics_file.h"
#include "mixed/goals.h"
#include "optimize/level.h"
#include "pipeline/output_names.h"
#include "report/gates.h"
#include "rewrite/output_type.h"

namespace quantize {

// What the quantized model takes: what the FP32 model does, or uint8 pixels in its own order of dimensions or in a camera's.
enum class InputType { floats, pixels, camera };
// The processors the result is for: all that the target runs on, or only those whose 8-bit dot products keep 32 bits throughout.
enum class Cpu { any, vnni };
// What runs on integers where the rules could go either way: as the target's table says, or what this machine runs fastest.
enum class PlacementMode { rules, measured };

struct Options {
  std::filesystem::path model, output;  // output empty: <model>.<scheme>.onnx beside the current folder's model
  bool writes = true;                   // false: nothing is written, so it does not matter whether anything could be
  Scheme scheme;
  std::filesystem::path assignment;       // bits of single weights and activations that differ from the scheme's; empty: none
  std::filesystem::path save_assignment;  // where to write those used; empty: nowhere
  Goals goals;                            // mixed precision: bits are raised until they are reached; empty: every bit is the scheme's
  std::string target = "ort-cpu";
  Cpu cpu = Cpu::any;
  PlacementMode placement = PlacementMode::rules;
  bool quantize_outputs = false;  // graph outputs too, where the target would leave them float
  Level level = Level::o1;
  InputType input_type = InputType::floats;
  OutputType output_type = OutputType::floats;
  std::filesystem::path import_encodings;  // empty: none
  std::filesystem::path export_encodings;  // empty: nowhere
  AimetVersion export_version = AimetVersion::v1_0_0;
  std::set<std::string> without;  // steps of the optimizer to leave out, see step_names(): for ablations
  std::int64_t opset = 0;         // raise to at least this; 0: only as far as the scheme needs

  // calibration
  std::filesystem::path calibration;
  std::size_t samples = 100;  // evenly spread over the folder
  std::uint64_t seed = 0;     // of the positions drawn when weights are fitted
  Preprocess preprocess;
  Shape input_shape;  // of the first input; fills in free dimensions

  // evaluation
  std::filesystem::path test, labels;
  double holdout = 0.2;  // of the calibration folder, where there is no test folder
  int latency_runs = 20;
  int pictures = 6;
  bool measure_memory = true;
  std::vector<std::string> providers;  // to evaluate on as well, each in the form of parse_provider()
  bool strict_provider = false;        // fail where a node falls back to the CPU
  std::size_t provider_images = 0;     // of the test images; 0: all, or 2 on a simulator

  // continuous integration
  Gates gates;
  bool ci_reports = false;  // JUnit XML and Markdown beside the JSON; always with a gate

  // long form
  std::filesystem::path statistics, encodings;  // files to apply instead of calibrating
  std::filesystem::path quantized;              // a model to evaluate instead of making one
  Shard shard;                                  // the part of the calibration samples to observe

  std::uint64_t memory_limit = 0;  // bytes; 0: none
  Exclusions exclusions;
  bool strict = false;
  std::vector<std::string>
      memory_command;  // how to start a process that runs a model once: {program, "measure-memory"}; empty: memory is not measured
  std::filesystem::path config_file;                        // that some of this was read from; empty: none
  std::string command;                                      // as typed, for the report
  std::vector<std::pair<std::string, std::string>> config;  // all options with their values, for the report
};

// Where the reports on a model go: beside it, named after it.
struct ReportFiles {
  std::filesystem::path json, html;
  std::filesystem::path junit, markdown;  // for continuous integration; those of an earlier run are removed where there are none now
};
ReportFiles report_files(const std::filesystem::path& model);

// Throws Error{usage} naming the option for values that cannot work, Error{output} where the result cannot be written. `beside` are the
// files that are written (or removed) as well, named after options.output; `output` is what it is itself, nothing where only those are
// written.
void validate(const Options& options, const std::vector<std::filesystem::path>& beside, std::optional<Written> output);
// The same of a run that writes the reports.
void validate_with_reports(const Options& options, std::optional<Written> output);
// Throws Error{usage} where a file that the user named for writing, or the external data of a large result, is one of these, which hold the
// model's weights.
void refuse_to_overwrite(const std::vector<std::string>& data_files, const Options& options);
// Throws Error{usage} where there are no calibration images.
void require_images(const Options& options);

// Whether encodings go out or came in, which speak of the model's own tensors and of channels in the file's order.
bool exchanges_encodings(const Options& options);

// Whether a float input may be rounded to the pixels it was made from: not at -O0, and not where encodings are
// exchanged.
bool wants_pixels(const Options& options);

// The file's name with another ending in place of .onnx, .json or .html; a dot elsewhere in the name ("net.v2") is part of it.
std::filesystem::path with_ending(std::filesystem::path file, const std::string& ending);

// <model without .onnx>.<scheme>.onnx
std::filesystem::path default_output(const std::filesystem::path& model, const Scheme& scheme);

}  // namespace quantize
