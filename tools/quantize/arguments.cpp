#include "arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/suggest.h"
#include "commands/commands.h"
#include "pipeline/version.h"
#include "report/command_line.h"
#include "run/session.h"

namespace quantize::cli {
namespace {

constexpr const char* exit_codes = R"(Exit codes:
  0    done
  1    a defect of this program
  2    an option is wrong
  3    the model cannot be read, is not valid, or is of a kind that is refused (already quantized, unknown operator)
  4    images, tensors, statistics, encodings or assignments are missing, unreadable, stale or foreign
  5    the result cannot be written (folder missing, not writable, disk full)
  6    NaN or infinity in a weight or an activation
  7    the result did not pass its own checks
  8    what was asked of the result (a gate, --reach) was not met; it was written all the same
  130  interrupted (Ctrl-C)
)";

std::string versions() { return "quantize " + version() + " (ONNX " + onnx_version() + ", ONNX Runtime " + onnxruntime_version() + ")"; }

std::string called(const Command& command) { return command.name.empty() ? "quantize" : "quantize " + command.name; }

std::unique_ptr<CLI::App> make_app(const Command& command, Input& input) {
  auto app = std::make_unique<CLI::App>(command.summary + "\n\n  " + called(command) + (command.usage.empty() ? "" : " ") + command.usage,
                                        command.name);
  command.add_options(*app, input);
  app->footer("Examples:\n" + command.examples + "\n" + exit_codes);
  app->get_formatter()->column_width(42);
  app->set_version_flag("--version", versions());
  return app;
}

// The sub-command that the first word names; the short form where it names none.
const Command& command_of(int argc, const char* const* argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  const auto all = commands();
  const auto found = std::find_if(all.begin() + 1, all.end(), [&](const Command& command) { return command.name == word; });
  return found == all.end() ? all.front() : *found;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& command : commands()) {
    if (!command.hidden && !command.name.empty()) names.push_back(command.name);
  }
  return names;
}

// CLI11's message, with what was probably meant.
[[noreturn]] void refuse(const CLI::App& app, const Command& command, const CLI::ParseError& error) {
  std::string hint;
  for (const auto& word : app.remaining()) {
    if (word.starts_with("--") && hint.empty()) hint = did_you_mean(word.substr(0, word.find('=')), option_names(app));
  }
  throw Error(ErrorKind::usage, std::string(error.what()) + hint + " (see " + called(command) + " --help)");
}

// `eval` stands for `evaluate` before it stands for what differs from it in fewer letters.
std::string did_you_mean_command(const std::string& word) {
  const auto names = command_names();
  std::vector<std::string> begun;
  std::ranges::copy_if(names, std::back_inserter(begun),
                       [&](const std::string& name) { return word.size() > 1 && name.starts_with(word); });
  return begun.size() == 1 ? "; did you mean '" + begun[0] + "'?" : did_you_mean(word, names);
}

// `quantize calibrat model.onnx`: the word is taken for a model, which is not there, and what follows it for a word too many.
void refuse_mistyped_command(const Arguments& arguments, const std::string& word_behind = "") {
  const auto& model = arguments.options.model;
  const std::string word = model.string();
  std::error_code code;
  if (word.empty()) return;
  if (std::filesystem::exists(model, code)) {
    if (word_behind.empty()) return;
    throw Error(ErrorKind::usage,
                "'" + word_behind + "' is a word too many: " + word + " is quantized alone; for several models see quantize batch --help");
  }
  const auto hint = did_you_mean_command(word);
  const bool may_be_a_path = model.has_extension() || model.has_parent_path();
  if (word_behind.empty() && hint.empty()) return;  // refused when it is loaded
  throw Error(ErrorKind::usage, word_behind.empty() || may_be_a_path
                                    ? "there is no sub-command and no file '" + word + "'" + hint
                                    : "'" + word + "' is no sub-command" + (hint.empty() ? " (see quantize --help)" : hint));
}

// Of a command line that holds more than can be meant; empty where that begins with an option.
std::string word_behind_model(const CLI::App& app, const CLI::ParseError& error) {
  const auto words = app.remaining();
  const bool extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !words.empty();
  return extra && !words[0].starts_with('-') ? words[0] : "";
}

// An empty text, as an unset variable of a script leaves, would count as an option that was not given.
void refuse_empty_values(const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    const auto& results = option->results();
    if (std::find(results.begin(), results.end(), "") == results.end()) continue;
    throw Error(ErrorKind::usage, option->get_name() + " is given an empty text: leave it out, or give it a value");
  }
}

// Elsewhere "-" is standard output, where a model with its reports cannot go; here it would be a file of that name.
void refuse_standard_output(const CLI::App& app) {
  for (const auto* name : {"--output", "--save-assignment"}) {
    const auto* option = app.get_option_no_throw(name);
    if (option == nullptr || option->results() != std::vector<std::string>{"-"}) continue;
    throw Error(ErrorKind::usage, std::string(name) + " '-': nothing is written to standard output; give the name of a file");
  }
}

// All options that were given, for the report.
void keep_config(const CLI::App& app, Options& options) {
  for (const auto* option : app.get_options()) {
    if (option->count() == 0 || option->get_name() == "--config") continue;
    std::string value;
    for (const auto& part : option->results()) value += (value.empty() ? "" : ",") + part;
    options.config.emplace_back(option->get_single_name(), value);
  }
}

}  // namespace

std::unique_ptr<CLI::App> make_app(Input& input) {
  auto app = make_app(commands().front(), input);
  app->name("quantize");
  for (const auto& command : commands().subspan(1)) {
    auto sub = make_app(command, input);
    if (command.hidden) sub->group("");
    app->add_subcommand(std::shared_ptr<CLI::App>(std::move(sub)));
  }
  return app;
}

Arguments parse(int argc, const char* const* argv) {
  const Command& command = command_of(argc, argv);
  const bool short_form = command.name.empty();
  Input input;
  Arguments& arguments = input.arguments;
  arguments.command = &command;
  // A sub-command is parsed as a program of its own, so that each has a --config of its own.
  const auto app = short_form ? make_app(input) : make_app(command, input);
  if (!short_form) app->name(called(command));
  const int first = short_form ? 0 : 1;
  try {
    app->parse(argc - first, argv + first);
  } catch (const CLI::Success& success) {
    app->exit(success);
    arguments.exit = 0;
    return std::move(arguments);
  } catch (const CLI::ParseError& error) {
    if (short_form) refuse_mistyped_command(arguments, word_behind_model(*app, error));
    refuse(*app, command, error);
  }
  if (const auto misplaced = app->get_subcommands(); !misplaced.empty())
    throw Error(ErrorKind::usage, "the sub-command comes first: quantize " + misplaced[0]->get_name() + " ...");
  if (short_form) refuse_mistyped_command(arguments);
  refuse_empty_values(*app);
  refuse_standard_output(*app);
  if (command.finish != nullptr) command.finish(input);
  keep_config(*app, arguments.options);
  arguments.options.command = join_words({argv, argv + argc});
  return std::move(arguments);
}

void refuse_missing_model(const Arguments& arguments) {
  const auto& command = *arguments.command;
  if (!arguments.options.model.empty() || !command.usage.starts_with("MODEL")) return;
  const std::string name = called(command);
  throw Error(ErrorKind::usage, "no model given; usage: " + name + " " + command.usage + " (" + name +
                                    " --help lists everything, quantize demo shows it at work)");
}

}  // namespace quantize::cli
