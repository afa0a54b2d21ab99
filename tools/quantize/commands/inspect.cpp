// quantize inspect: what is in a model file.
#include "commands/commands.h"
#include "console.h"
#include "evaluate/kernels.h"
#include "pipeline/inspect_model.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_model(app, input);
  app.get_option("model")->description("A float or quantized model")->required();
  app.add_flag("--json", input.arguments.json, "Print JSON")->group("Job");
  add_general_options(app, input);
}

int run(const Arguments& arguments, Context& context) {
  const Model model = load_model(arguments.options.model);
  context.check_stop();
  auto seen = inspect(model);
  context.check_stop();
  if (seen.scheme != "float") seen.kernels = kernels_in_runtime(model);
  context.check_stop();
  const bool all = arguments.verbosity == Verbosity::verbose;
  print(arguments.json ? write_inspection_json(model, seen) : write_inspection(model, seen, all));
  return 0;
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .summary =
              "Shows what is in a float or quantized model: types, coverage, sizes, scales, what ONNX Runtime computes in float and why.",
          .usage = "MODEL [-v] [--json]",
          .examples = "  quantize inspect model.w8a8.onnx -v\n  quantize inspect model.onnx --json\n",
          .add_options = add_options,
          .finish = nullptr,
          .run = run};
}

}  // namespace quantize::cli
