// quantize completions SHELL: a script that teaches a shell the sub-commands, options and their values.
#include "completions.h"

#include <cstdio>

#include "arguments.h"
#include "base/error.h"
#include "base/suggest.h"
#include "commands/commands.h"

namespace quantize::cli {
namespace {

void add_options(CLI::App& app, Input& input) {
  app.add_option("shell", input.raw.shell, "The shell")->option_text("bash|zsh|fish")->required();
}

int run(const Arguments& arguments, Context&) {
  Input input;
  const auto app = make_app(input);
  const auto table = option_table(*app);
  const auto& shell = arguments.shell;
  const auto text = shell == "bash" ? bash_completions(table) : shell == "zsh" ? zsh_completions(table) : fish_completions(table);
  std::fputs(text.c_str(), stdout);
  return 0;
}

void finish(Input& input) {
  const std::vector<std::string> known = {"bash", "zsh", "fish"};
  input.arguments.shell = input.raw.shell;
  if (std::find(known.begin(), known.end(), input.raw.shell) == known.end()) {
    throw Error(ErrorKind::usage, "there are no completions for '" + input.raw.shell + "', only for bash, zsh and fish" +
                                      did_you_mean(input.raw.shell, known));
  }
}

}  // namespace

Command completions_command() {
  return {.name = "completions",
          .summary = "Completions for a shell.",
          .usage = "bash|zsh|fish",
          .examples =
              "  source <(quantize completions bash)\n"
              "  quantize completions fish > ~/.config/fish/completions/quantize.fish\n",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli
