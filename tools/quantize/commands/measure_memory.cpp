// quantize measure-memory MODEL SHAPES: what a run starts to measure a model's memory in a process of its own.
#include <cstdio>

#include "commands/commands.h"
#include "evaluate/evaluate.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_model(app, input);
  app.get_option("model")->required();
  app.add_option("shapes", input.raw.shapes, "Shapes of the model's inputs");
}

void finish(Input& input) {
  for (const auto& shape : input.raw.shapes) input.arguments.shapes.push_back(parse_shape(shape));
}

int run(const Arguments& arguments, Context&) {
  std::printf("%llu\n", static_cast<unsigned long long>(run_for_memory(arguments.options.model, arguments.shapes)));
  return 0;
}

}  // namespace

Command measure_memory_command() {
  return {.name = "measure-memory",
          .summary = "Peak memory of one run of a model, in bytes.",
          .usage = "MODEL [SHAPE...]",
          .examples = "  quantize measure-memory model.onnx 1x3x480x640\n",
          .add_options = add_options,
          .finish = finish,
          .run = run,
          .hidden = true};
}

}  // namespace quantize::cli
