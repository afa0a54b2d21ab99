// quantize encode: statistics -> an encodings file to read, review and edit.
#include "base/error.h"
#include "commands/commands.h"
#include "commands/written.h"
#include "pipeline/long_form.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_run_options(app, input);
  app.add_option("--statistics", input.arguments.options.statistics, "What `quantize calibrate` wrote for the same options")
      ->option_text("FILE")
      ->group("Job");
  describe_output(app, "The encodings file [<model>.<scheme>.encodings.json]");
}

void finish(Input& input) {
  finish_run_options(input);
  auto& options = input.arguments.options;
  if (options.statistics.empty()) throw Error(ErrorKind::usage, "no statistics given: --statistics FILE");
  if (options.output.empty()) options.output = beside_model(options, ".encodings.json");
}

int run(const Arguments& arguments, Context& context) {
  const auto file = encode_model(arguments.options, context);
  return write_and_say(
      arguments, write_encodings(file),
      std::to_string(file.encodings.activations.size()) + " activations, " + std::to_string(file.encodings.weights.size()) + " weights",
      context);
}

}  // namespace

Command encode_command() {
  return {.name = "encode",
          .summary = "Chooses the encodings of all tensors from statistics and writes them to a file that can be edited.",
          .usage = "MODEL --statistics FILE [-o FILE]",
          .examples = R"(  quantize encode model.onnx --statistics statistics.json --scheme w8a8 -O0 --method percentile -o encodings.json
  quantize encode model.onnx --statistics statistics.json --calib images/ --test held_out/ -O1
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
