// quantize man: the manual page.
#include <cstdio>

#include "arguments.h"
#include "commands/commands.h"
#include "man_page.h"
#include "pipeline/version.h"

namespace quantize::cli {
namespace {

int run(const Arguments&, Context&) {
  Input input;
  const auto app = make_app(input);
  std::fputs(man_page(option_table(*app), version()).c_str(), stdout);
  return 0;
}

}  // namespace

Command man_command() {
  return {.name = "man",
          .summary = "The manual page.",
          .usage = "",
          .examples = "  quantize man | man -l -\n",
          .add_options = [](CLI::App&, Input&) {},
          .finish = nullptr,
          .run = run};
}

}  // namespace quantize::cli
