// quantize merge: the statistics of shards -> those of all images, the same bytes as one run's.
#include "base/error.h"
#include "commands/commands.h"
#include "commands/written.h"
#include "formats/statistics_file.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  app.add_option("statistics", input.arguments.files, "Statistics files of shards, in any order")->option_text("STATISTICS...")->required();
  app.add_option("-o,--output", input.arguments.options.output, "The merged statistics file")
      ->option_text("FILE")
      ->required()
      ->group("Job");
  add_general_options(app, input);
}

int run(const Arguments& arguments, Context& context) {
  refuse_name_of_another_kind("-o", arguments.options.output, Written::json);
  StatisticsFile all;
  for (const auto& path : arguments.files) {
    auto part = read_statistics(read_file(path), path);
    if (&path == &arguments.files.front()) {
      all = std::move(part);
    } else {
      merge(all, part, path);
    }
    context.check_stop();
  }
  const std::string shards =
      all.complete() ? "complete" : std::to_string(all.shards.size()) + " of " + std::to_string(all.shard_count) + " shards";
  return write_and_say(arguments, write_statistics(all), shards + ", " + std::to_string(all.samples) + " samples", context);
}

}  // namespace

Command merge_command() {
  return {.name = "merge",
          .summary = "Puts the statistics of shards together, to the same bytes as those of one run.",
          .usage = "STATISTICS... -o FILE",
          .examples = "  quantize merge part1.json part2.json part3.json -o statistics.json\n",
          .add_options = add_options,
          .finish = nullptr,
          .run = run};
}

}  // namespace quantize::cli
