// quantize MODEL --calib DIR: the short form of all of it.
#include "pipeline/quantize_model.h"

#include "commands/commands.h"
#include "commands/outcome.h"
#include "console.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_run_options(app, input);
  add_dry_run(app, input);
}

void finish(Input& input) {
  finish_run_options(input);
  auto& options = input.arguments.options;
  if (options.output.empty()) options.output = default_output(options.model, options.scheme);
}

int run(const Arguments& arguments, Context& context) {
  if (arguments.dry_run) {
    print(dry_run(arguments.options, context));
    return 0;
  }
  return report_outcome(quantize_model(arguments.options, context), arguments);
}

}  // namespace

Command quantize_command() {
  return {.name = "",
          .summary = "Quantizes an ONNX vision model and proves that it is still good.",
          .usage = "MODEL --calib DIR --scheme w8a8|w8a16|w4a16 [-o OUT.onnx]",
          .examples = R"(  quantize model.onnx --calib images/ --scheme w8a8
  quantize model.onnx --calib images/ --test held_out/ --labels masks/ --scheme w4a16 -O2 -o small.onnx
  quantize model.onnx --calib images/ --scheme w8a16 --preprocess unit --exclude-op Softmax --dry-run
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
