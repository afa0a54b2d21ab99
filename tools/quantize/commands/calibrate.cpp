// quantize calibrate: images -> a statistics file, of all images or of a shard of them.
#include <cstdio>

#include "base/error.h"
#include "commands/commands.h"
#include "commands/written.h"
#include "pipeline/long_form.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  add_run_options(app, input);
  app.add_option("--shard", input.raw.shard, "Observe part I of N only; `quantize merge` puts the parts together")
      ->option_text("I/N")
      ->group("Job");
  describe_output(app, "The statistics file [<model>.<scheme>.statistics.json]");
}

Shard parse_shard(const std::string& text) {
  unsigned long index = 0, count = 0;
  int used = 0;
  if (text.size() > 20 || std::sscanf(text.c_str(), "%lu/%lu%n", &index, &count, &used) != 2 ||
      static_cast<std::size_t>(used) != text.size() || index < 1 || index > count || count > 1'000'000)
    throw Error(ErrorKind::usage, "--shard '" + text + "' is not of the form 3/16: part 3 of 16");
  return {index, count};
}

void finish(Input& input) {
  finish_run_options(input);
  auto& options = input.arguments.options;
  if (!input.raw.shard.empty()) options.shard = parse_shard(input.raw.shard);
  if (!options.output.empty()) return;
  const auto& [index, count] = options.shard;
  const std::string part = count == 1 ? "" : "." + std::to_string(index) + "of" + std::to_string(count);
  options.output = beside_model(options, ".statistics" + part + ".json");
}

int run(const Arguments& arguments, Context& context) {
  const auto file = calibrate_model(arguments.options, context);
  return write_and_say(arguments, write_statistics(file),
                       std::to_string(file.statistics.size()) + " tensors over " + std::to_string(file.samples) + " samples", context);
}

}  // namespace

Command calibrate_command() {
  return {.name = "calibrate",
          .summary = "Observes a model over images and writes the statistics; divides the work with --shard.",
          .usage = "MODEL --calib DIR [--shard I/N] [-o FILE]",
          .examples = R"(  quantize calibrate model.onnx --calib images/ --test held_out/ --scheme w8a8 -O0 -o statistics.json
  quantize calibrate model.onnx --calib images/ --config job.toml --shard 3/16 -o part3.json
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
