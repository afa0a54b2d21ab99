// quantize demo: the main job on the model and the pictures that come with the program.
#include "base/error.h"
#include "commands/commands.h"

namespace quantize::cli {
namespace {

// Beside an installed program, or in the source tree that it was built in.
std::filesystem::path demo_folder() {
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code).parent_path();
  for (const auto* place : {"../share/quantize/demo", "../../../data/demo"}) {
    const auto folder = (program / place).lexically_normal();
    if (std::filesystem::is_regular_file(folder / "model.onnx", code)) return folder;
  }
  throw Error(ErrorKind::data, "the demo model is not installed: no share/quantize/demo beside " + program.string());
}

void add_options(CLI::App& app, Input& input) {
  add_job_options(app, input);
  add_dry_run(app, input);
  app.remove_option(app.get_option("--calib"));
  describe_output(app, "The quantized model; the reports go beside it [demo.<scheme>.onnx]");
  add_quantization_options(app, input);
  add_evaluation_options(app, input);
  for (const auto* given : {"--test", "--holdout", "--labels"}) app.remove_option(app.get_option(given));
  add_gate_options(app, input);
  add_general_options(app, input);
  add_memory_limit(app, input);
}

void finish(Input& input) {
  auto& options = input.arguments.options;
  finish_quantization(input.raw, options);
  finish_preprocessing(input.raw, options);
  const auto folder = demo_folder();
  options.model = folder / "model.onnx";
  options.calibration = folder / "calib";
  options.test = folder / "test";
  options.labels = folder / "labels";
  if (options.output.empty()) options.output = "demo." + options.scheme.name + ".onnx";
}

int run(const Arguments& arguments, Context& context) { return quantize_command().run(arguments, context); }

}  // namespace

Command demo_command() {
  return {.name = "demo",
          .summary = "Runs the main job on the model and the pictures that come with the program.",
          .usage = "[--scheme w8a8|w8a16|w4a16] [-o OUT.onnx]",
          .examples = "  quantize demo\n  quantize demo --scheme w4a16 -O2\n",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
