// quantize sensitivity MODEL --calib DIR: which weights and activations cost the most accuracy.
#include "pipeline/sensitivity.h"

#include <cstdio>

#include "commands/commands.h"
#include "console.h"

namespace quantize::cli {
namespace {

constexpr std::size_t rows_shown = 25;

void add_options(CLI::App& app, Input& input) {
  add_model(app, input);
  add_job_options(app, input);
  describe_output(app, "The table; a page that plots it goes beside it [<model>.<scheme>.sensitivity.json]");
  add_preprocessing_options(app, input);
  add_quantization_options(app, input);
  add_general_options(app, input);
  add_memory_limit(app, input);
}

void finish(Input& input) {
  auto& options = input.arguments.options;
  finish_quantization(input.raw, options);
  finish_preprocessing(input.raw, options);
  if (options.output.empty()) options.output = with_ending(default_output(options.model, options.scheme), ".sensitivity.json");
}

int run(const Arguments& arguments, Context& context) {
  const auto outcome = measure_sensitivity(arguments.options, context);
  if (arguments.verbosity == Verbosity::quiet) return 0;
  print(write_text(outcome.table, arguments.verbosity == Verbosity::verbose ? outcome.table.rows.size() : rows_shown));
  std::printf("wrote %s, %s\n", outcome.json.c_str(), outcome.html.filename().c_str());
  return 0;
}

}  // namespace

Command sensitivity_command() {
  return {.name = "sensitivity",
          .summary = "Measures how much the output suffers when one weight, or one set of activations, alone is quantized.",
          .usage = "MODEL --calib DIR --scheme w8a8|w8a16|w4a16 [-o TABLE.json]",
          .examples = R"(  quantize sensitivity model.onnx --calib images/ --scheme w8a8
  quantize sensitivity model.onnx --calib images/ --scheme w4a16 -O0 -v
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
