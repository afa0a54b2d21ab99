// quantize evaluate: two models, whoever made them, on the same images.
#include "pipeline/evaluate_models.h"

#include "commands/commands.h"
#include "commands/outcome.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  add_model(app, input);
  app.get_option("model")->required();
  app.add_option("quantized", options.quantized, "The model to compare with it")->option_text("QUANTIZED")->required();
  app.add_option("-o,--output", options.output, "The reports are named after it [<quantized>.evaluation]")
      ->option_text("FILE")
      ->group("Job");
  add_preprocessing_options(app, input);
  add_evaluation_options(app, input);
  add_gate_options(app, input);
  add_general_options(app, input);
}

void finish(Input& input) {
  auto& options = input.arguments.options;
  finish_preprocessing(input.raw, options);
  if (!options.output.empty()) return;
  options.output = with_ending(options.quantized, ".evaluation.onnx");  // never written: the reports take its name
}

int run(const Arguments& arguments, Context& context) {
  auto outcome = evaluate_models(arguments.options, context);
  outcome.model.clear();
  return report_outcome(outcome, arguments);
}

}  // namespace

Command evaluate_command() {
  return {.name = "evaluate",
          .summary = "Judges a quantized model, whoever made it, against the FP32 model.",
          .usage = "MODEL QUANTIZED --test DIR [--labels DIR]",
          .examples = R"(  quantize evaluate model.onnx model.w8a8.onnx --test held_out/ --labels masks/
  quantize evaluate model.onnx theirs.onnx --test held_out/ --min-agreement 0.98 --latency-runs 0
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
