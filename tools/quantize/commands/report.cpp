// quantize report: the reports of several runs -> one page that compares them.
#include "commands/commands.h"
#include "commands/written.h"
#include "console.h"
#include "report/words.h"
#include "report/write_comparison.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  app.add_option("reports", input.arguments.files, "Reports in JSON")->option_text("JSON...")->required();
  app.add_option("-o,--output", input.arguments.options.output, "The page [comparison.html]")->option_text("FILE")->group("Job");
  add_general_options(app, input);
}

void finish(Input& input) {
  if (input.arguments.options.output.empty()) input.arguments.options.output = "comparison.html";
}

int run(const Arguments& arguments, Context& context) {
  refuse_name_of_another_kind("-o", arguments.options.output, Written::page);
  std::vector<ComparedRun> runs;
  for (const auto& path : arguments.files) runs.push_back(read_run(path, arguments.options.output));
  if (arguments.verbosity != Verbosity::quiet) print(write_comparison_text(runs));
  return write_and_say(arguments, write_comparison_html(runs), words::count(runs.size(), "run"), context);
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .summary = "Compares the reports of several runs in one table and one page.",
          .usage = "JSON... [-o FILE.html]",
          .examples = "  quantize report *.report.json -o comparison.html\n",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
