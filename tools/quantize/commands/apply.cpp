// quantize apply: statistics or encodings -> the quantized model.
#include "base/error.h"
#include "commands/commands.h"
#include "commands/outcome.h"
#include "pipeline/long_form.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  add_run_options(app, input);
  app.add_option("--statistics", options.statistics, "What `quantize calibrate` or `merge` wrote for the same options")
      ->option_text("FILE")
      ->group("Job");
  app.add_option("--encodings", options.encodings, "What `quantize encode` wrote for the same options, edited or not; applied exactly")
      ->option_text("FILE")
      ->group("Job");
}

void finish(Input& input) {
  finish_run_options(input);
  auto& options = input.arguments.options;
  if (options.statistics.empty() && options.encodings.empty())
    throw Error(ErrorKind::usage, "give --statistics FILE, --encodings FILE or both");
  if (options.output.empty()) options.output = default_output(options.model, options.scheme);
}

int run(const Arguments& arguments, Context& context) { return report_outcome(apply_to_model(arguments.options, context), arguments); }

}  // namespace

Command apply_command() {
  return {.name = "apply",
          .summary = "Makes the quantized model from statistics or encodings; from -O1 on it needs the calibration images too.",
          .usage = "MODEL [--statistics FILE] [--encodings FILE] [--calib DIR] [-o OUT.onnx]",
          .examples = R"(  quantize apply model.onnx --encodings encodings.json --scheme w8a8 -O0 --test held_out/ -o small.onnx
  quantize apply model.onnx --statistics statistics.json --calib images/ --test held_out/ --scheme w4a16 -O2
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
