#include "arguments.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "ops/target.h"
#include "pipeline/version.h"
#include "run/session.h"

namespace quantize::cli {
namespace {

constexpr const char* exit_codes = R"(Exit codes:
  0    done
  1    a defect of this program
  2    an option is wrong
  3    the model cannot be read, is not valid, or is of a kind that is refused (already quantized, unknown operator)
  4    images or tensors are missing or unreadable
  5    the result cannot be written (folder missing, not writable, disk full)
  6    NaN or infinity in a weight or an activation
  7    the result did not pass its own checks
  130  interrupted (Ctrl-C)

Examples:
  quantize model.onnx --calib images/ --scheme w8a8
  quantize model.onnx --calib images/ --test held_out/ --labels masks/ --scheme w4a16 -O2 -o small.onnx
  quantize model.onnx --calib images/ --scheme w8a16 --preprocess unit --exclude-op Softmax --dry-run
)";

// Text forms of the enumerations; CLI11 lists them in --help and refuses others.
const std::map<std::string, RangeMethod> methods = {
    {"minmax", RangeMethod::minmax}, {"percentile", RangeMethod::percentile}, {"mse", RangeMethod::mse}, {"entropy", RangeMethod::entropy}};
const std::map<std::string, Granularity> granularities = {{"per-channel", Granularity::per_channel},
                                                          {"per-tensor", Granularity::per_tensor}};
const std::map<std::string, Symmetry> symmetries = {{"asymmetric", Symmetry::asymmetric}, {"symmetric", Symmetry::symmetric}};
const std::map<std::string, ColorOrder> colors = {{"rgb", ColorOrder::rgb}, {"bgr", ColorOrder::bgr}, {"gray", ColorOrder::gray}};
const std::map<std::string, Layout> layouts = {{"auto", Layout::automatic}, {"nchw", Layout::nchw}, {"nhwc", Layout::nhwc}};
const std::map<std::string, ResizeMode> resizes = {
    {"stretch", ResizeMode::stretch}, {"letterbox", ResizeMode::letterbox}, {"crop", ResizeMode::crop}};
const std::map<std::string, Level> levels = {{"0", Level::o0}, {"1", Level::o1}, {"2", Level::o2}};

template <typename T>
CLI::Option* choice(CLI::App& app, const std::string& names, T& value, const std::map<std::string, T>& words, const std::string& help) {
  std::string known;
  std::string fallback;
  for (const auto& [word, meaning] : words) {
    known += (known.empty() ? "" : "|") + word;
    if (meaning == value) fallback = word;
  }
  return app.add_option(names, value, help + " [" + fallback + "]")
      ->transform(CLI::CheckedTransformer(words).description(""))
      ->option_text(known);
}

// What CLI11 reads before it becomes Options.
struct Raw {
  std::string scheme = "w8a8", preprocess, input_shape;
  RangeMethod method = RangeMethod::mse;
  double percentile = 99.999;
  Granularity weights = Granularity::per_channel;
  Symmetry activations = Symmetry::asymmetric;
  float scale = 0;
  std::vector<float> mean, std;
};

Shape parse_shape(const std::string& text) {
  Shape shape;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, 'x');) {
    std::size_t used = 0;
    std::int64_t dimension = 0;
    try {
      dimension = std::stoll(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != part.size() || dimension < 1)
      throw Error(ErrorKind::usage, "'" + text + "' is not a shape; write it as 1x3x480x640");
    shape.push_back(dimension);
  }
  return shape;
}

void add_job_options(CLI::App& app, Raw& raw, Arguments& arguments) {
  auto& options = arguments.options;
  const std::string job = "Job";
  app.add_option("model", options.model, "The FP32 model")->option_text("MODEL");
  app.add_option("--calib", options.calibration,
                 "Folder of calibration pictures or .npy tensors (sub-folders per input name for several inputs)")
      ->option_text("DIR")
      ->group(job);
  app.add_option("--scheme", raw.scheme, "Weight and activation bits [w8a8]")->option_text("w8a8|w8a16|w4a16")->group(job);
  app.add_option("-o,--output", options.output, "The quantized model; the reports go beside it [<model>.<scheme>.onnx]")
      ->option_text("FILE")
      ->group(job);
  choice(app, "-O,--optimize", options.level, levels, "How hard to try: 0 plain, 1 seconds more, 2 minutes")->group(job);
  app.add_option("--target", options.target, "The runtime the model is for [ort-cpu]")->option_text("NAME")->group(job);
  app.add_option("--opset", options.opset, "Raise the model to at least this opset")->option_text("N")->group(job);
  app.add_flag("--dry-run", arguments.dry_run, "Say what would be quantized, how, and the resulting size; write nothing")->group(job);
}

void add_preprocessing_options(CLI::App& app, Raw& raw, Arguments& arguments) {
  auto& preprocess = arguments.options.preprocess;
  const std::string group = "Pre-processing: x = (pixel * scale - mean) / std, pixel 0..255";
  app.add_option("--preprocess", raw.preprocess, "A known recipe [imagenet; for gray: unit]")
      ->option_text("imagenet|unit|signed|raw")
      ->group(group);
  app.add_option("--scale", raw.scale, "Factor on the pixel")->option_text("X")->group(group);
  app.add_option("--mean", raw.mean, "One value, or one per channel, comma separated")->delimiter(',')->option_text("X,...")->group(group);
  app.add_option("--std", raw.std, "One value, or one per channel, comma separated")->delimiter(',')->option_text("X,...")->group(group);
  choice(app, "--color", preprocess.color, colors, "Order of the channels")->group(group);
  choice(app, "--layout", preprocess.layout, layouts, "Order of the dimensions")->group(group);
  choice(app, "--resize", preprocess.resize, resizes, "How a picture of another size is brought to the model's")->group(group);
  app.add_option("--input-shape", raw.input_shape, "Fills in free dimensions of the first input")->option_text("1x3xHxW")->group(group);
}

void add_quantization_options(CLI::App& app, Raw& raw, Arguments& arguments) {
  auto& options = arguments.options;
  const std::string group = "Calibration and encodings";
  app.add_option("--samples", options.samples, "At most this many samples, evenly spread [100]")->option_text("N")->group(group);
  choice(app, "--method", raw.method, methods, "How activation ranges are chosen")->group(group);
  app.add_option("--percentile", raw.percentile, "Share of values kept by --method percentile, in percent [99.999]")
      ->option_text("P")
      ->group(group);
  choice(app, "--weights", raw.weights, granularities, "Granularity of weight scales")->group(group);
  choice(app, "--activations", raw.activations, symmetries, "Activation encodings")->group(group);
  app.add_flag("--quantize-outputs", options.quantize_outputs,
               "Quantize the graph's outputs too: all integer, but 8-bit logits cost accuracy")
      ->group(group);
  app.add_option("--seed", options.seed, "Seed of everything drawn at random [0]")->option_text("N")->group(group);
  app.add_option("--exclude", options.exclusions.nodes, "Leave the node of this name float (repeatable)")
      ->option_text("NAME")
      ->group(group);
  app.add_option("--exclude-op", options.exclusions.op_types, "Leave operators of this type float (repeatable)")
      ->option_text("TYPE")
      ->group(group);
  app.add_option("--exclude-regex", options.exclusions.patterns, "Leave nodes whose name matches float (repeatable)")
      ->option_text("REGEX")
      ->group(group);
}

void add_evaluation_options(CLI::App& app, Arguments& arguments) {
  auto& options = arguments.options;
  const std::string group = "Evaluation";
  app.add_option("--test", options.test, "Folder of pictures that calibration does not see")->option_text("DIR")->group(group);
  app.add_option("--holdout", options.holdout, "Without --test: share of the calibration folder kept for evaluation [0.2]")
      ->option_text("X")
      ->group(group);
  app.add_option("--labels", options.labels, "Folder of class-index PNGs of the same stems, for true mIoU")
      ->option_text("DIR")
      ->group(group);
  app.add_option("--latency-runs", options.latency_runs, "Timed runs of each model; 0: no timing [20]")->option_text("N")->group(group);
  app.add_option("--pictures", options.pictures, "Pictures shown in the HTML report [6]")->option_text("N")->group(group);
}

void add_general_options(CLI::App& app, Arguments& arguments) {
  const std::string group = "General";
  app.add_option("--threads", arguments.threads, "Threads; 0: all cores [0]")->option_text("N")->group(group);
  app.add_flag("--strict", arguments.options.strict, "Stop at the first unreadable image or undone preparation step")->group(group);
  app.add_flag("--log-json", arguments.log_json, "One JSON object per message on standard error")->group(group);
  app.add_flag_callback(
         "-v,--verbose", [&] { arguments.verbosity = Verbosity::verbose; }, "Say more")
      ->group(group);
  app.add_flag_callback(
         "-q,--quiet", [&] { arguments.verbosity = Verbosity::quiet; }, "Say only warnings and errors")
      ->group(group);
  app.set_config("--config", "", "Read options from a TOML file; unknown keys are errors")->option_text("FILE")->group(group);
  app.allow_config_extras(CLI::config_extras_mode::error);
}

void finish(Raw& raw, const CLI::App& app, Arguments& arguments) {
  auto& options = arguments.options;
  options.scheme = Scheme::named(raw.scheme);
  options.scheme.method = raw.method;
  options.scheme.percentile = raw.percentile;
  options.scheme.weights = raw.weights;
  options.scheme.activations = raw.activations;
  const bool by_hand = raw.scale != 0 || !raw.mean.empty() || !raw.std.empty();
  if (by_hand && !raw.preprocess.empty()) throw Error(ErrorKind::usage, "--preprocess and --scale/--mean/--std exclude each other");
  const bool gray = options.preprocess.color == ColorOrder::gray;
  if (gray && raw.preprocess == "imagenet")
    throw Error(ErrorKind::usage, "--preprocess imagenet is for three channels; with --color gray give another");
  if (raw.preprocess.empty()) raw.preprocess = by_hand ? "raw" : gray ? "unit" : "imagenet";
  const auto recipe = Preprocess::named(raw.preprocess);
  options.preprocess.scale = raw.scale != 0 ? raw.scale : recipe.scale;
  options.preprocess.mean = raw.mean.empty() ? recipe.mean : raw.mean;
  options.preprocess.std = raw.std.empty() ? recipe.std : raw.std;
  if (!raw.input_shape.empty()) options.input_shape = parse_shape(raw.input_shape);
  if (options.output.empty()) options.output = default_output(options.model, options.scheme);
  for (const auto* option : app.get_options()) {
    if (option->count() == 0 || option->get_name() == "--config") continue;
    std::string value;
    for (const auto& part : option->results()) value += (value.empty() ? "" : ",") + part;
    options.config.emplace_back(option->get_single_name(), value);
  }
}

std::string versions() { return "quantize " + version() + " (ONNX " + onnx_version() + ", ONNX Runtime " + onnxruntime_version() + ")"; }

}  // namespace

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  Raw raw;
  CLI::App app(
      "Quantizes an ONNX segmentation model and proves that it is still good.\n\n  quantize MODEL --calib DIR --scheme w8a8|w8a16|w4a16 "
      "[-o OUT.onnx]",
      "quantize");
  app.footer(exit_codes);
  app.set_version_flag("--version", versions());
  app.get_formatter()->column_width(42);
  add_job_options(app, raw, arguments);
  add_preprocessing_options(app, raw, arguments);
  add_quantization_options(app, raw, arguments);
  add_evaluation_options(app, arguments);
  add_general_options(app, arguments);
  std::vector<std::string> shapes;
  auto* memory = app.add_subcommand("measure-memory", "")->group("");
  memory->add_option("model", arguments.memory_model)->required();
  memory->add_option("shapes", shapes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    arguments.exit = 0;
    return arguments;
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::usage, std::string(error.what()) + " (see quantize --help)");
  }
  for (const auto& shape : shapes) arguments.memory_shapes.push_back(parse_shape(shape));
  if (arguments.memory_model.empty()) finish(raw, app, arguments);
  for (int i = 0; i < argc; ++i) arguments.options.command += (i == 0 ? "" : " ") + std::string(argv[i]);
  return arguments;
}

}  // namespace quantize::cli
