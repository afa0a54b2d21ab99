// quantize compile: a quantized model ahead of time into what an NPU loads.
#include <cstdio>
#include <filesystem>

#include "commands/commands.h"
#include "pipeline/compile_model.h"
#include "report/words.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  auto& compile = input.arguments.compile;
  const std::string group = "Compilation";
  add_model(app, input);
  app.get_option("model")->required()->description("The quantized ONNX model");
  app.add_option("-o,--output", compile.folder, "Folder for the results [the model's]")->option_text("DIR")->group(group);
  app.add_option("--target", compile.target, "The NPU it is for [qnn]")->option_text("NAME")->group(group);
  app.add_option("--htp-arch", compile.htp_archs, "Generations of the NPU, one context binary each: 68, 69, 73, 75, 79, 81 [75]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("N[,N...]")
      ->group(group);
  app.add_option("--soc-model", compile.soc_model, "Number of the SoC, where the binary is for that one only")
      ->option_text("N")
      ->group(group);
  app.add_option("--provider", compile.provider, "Another provider library than the installed one: qnn:LIBRARY[,key=value...]")
      ->option_text("NAME")
      ->group(group);
  add_general_options(app, input);
}

void finish(Input& input) { input.arguments.compile.model = input.arguments.options.model; }

int run(const Arguments& arguments, Context& context) {
  const auto contexts = compile_model(arguments.compile, context);
  if (arguments.verbosity == Verbosity::quiet) return 0;
  for (const auto& compiled : contexts) {
    std::printf("v%s        %s, ready after %s s: %s\n", compiled.arch.c_str(), words::bytes(compiled.bytes).c_str(),
                words::fixed(compiled.seconds, 1).c_str(), compiled.file.c_str());
  }
  return 0;
}

}  // namespace

Command compile_command() {
  return {.name = "compile",
          .summary = "Compiles a quantized model for an NPU, ready to be loaded by ONNX Runtime on the device.",
          .usage = "MODEL --target qnn --htp-arch 73,75,79,81 [--soc-model N] [-o DIR]",
          .examples = R"(  quantize model.onnx --calib images/ --scheme w8a8 --target qnn
  quantize compile model.w8a8.onnx --target qnn --htp-arch 73,75 -o phone/
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
