// quantize MODEL --calib DIR: the short form of all of it.
#include "pipeline/quantize_model.h"

#include <cstdio>

#include "base/error.h"
#include "commands/commands.h"
#include "report/write_report.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_model(app, input);
  add_job_options(app, input);
  add_preprocessing_options(app, input);
  add_quantization_options(app, input);
  add_mixed_options(app, input);
  add_interface_options(app, input);
  add_evaluation_options(app, input);
  add_general_options(app, input);
}

void finish(Input& input) {
  auto& options = input.arguments.options;
  finish_quantization(input.raw, options);
  finish_preprocessing(input.raw, options);
  finish_mixed(input.raw, options);
  finish_interface(input.raw, options);
  if (options.output.empty()) options.output = default_output(options.model, options.scheme);
}

int run(const Arguments& arguments, Context& context) {
  if (arguments.dry_run) {
    std::fputs(dry_run(arguments.options, context).c_str(), stdout);
    return 0;
  }
  const auto outcome = quantize_model(arguments.options, context);
  if (arguments.verbosity != Verbosity::quiet) {
    std::fputs(write_text(outcome.report).c_str(), stdout);
    std::printf("wrote %s, %s, %s\n", outcome.model.c_str(), outcome.json.filename().c_str(), outcome.html.filename().c_str());
  }
  const auto& mixed = outcome.report.mixed;
  return mixed && !mixed->reached ? static_cast<int>(ErrorKind::missed) : 0;
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
