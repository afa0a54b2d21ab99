#include "man_page.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace quantize::cli {
namespace {

// A line of text: nothing in it is a request or an escape of roff.
std::string escape(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '\\')
      result += "\\e";
    else if (letter == '-')
      result += "\\-";
    else
      result += letter;
  }
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return text;
}

// Lines as they stand, in a fixed-width block.
std::string verbatim(const std::string& text) {
  std::string result = ".nf\n";
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) result += (line.empty() ? "\\&" : escape(line)) + "\n";
  return result + ".fi\n";
}

std::string option_entry(const OptionRow& option) {
  std::string heads;
  for (const auto& name : option.names) heads += (heads.empty() ? "" : ", ") + ("\\fB" + escape(name) + "\\fR");
  const bool value = !option.positional && option.kind() != OptionRow::Kind::none;
  return ".TP\n" + heads + (value ? " \\fI" + escape(option.value) + "\\fR" : "") + "\n" + escape(option.help) + "\n";
}

// Options under the headings of their groups, in the order in which the groups first occur.
std::string option_groups(const CommandRow& command) {
  std::vector<std::string> groups;
  for (const auto& option : command.options) {
    if (std::ranges::find(groups, option.group) == groups.end()) groups.push_back(option.group);
  }
  std::string text;
  for (const auto& group : groups) {
    text += ".SS " + escape(group) + "\n";
    for (const auto& option : command.options) {
      if (option.group == group) text += option_entry(option);
    }
  }
  return text;
}

// "Examples:\n...\n\nExit codes:\n..." taken apart.
std::string part(const std::string& footer, const std::string& heading) {
  const auto start = footer.find(heading + ":\n");
  if (start == std::string::npos) return {};
  const std::string rest = footer.substr(start + heading.size() + 2);
  const auto end = rest.find("\n\n");
  return end == std::string::npos ? rest : rest.substr(0, end + 1);
}

std::string usage_of(const CommandRow& command) {
  const auto at = command.description.find("\n\n");
  return at == std::string::npos ? "" : command.description.substr(at + 2);
}

}  // namespace

std::string man_page(std::span<const CommandRow> table, const std::string& version) {
  const CommandRow& main = table.front();
  std::string text = ".TH QUANTIZE 1 \"\" \"quantize " + escape(version) + "\" \"User Commands\"\n.SH NAME\nquantize \\- " +
                     escape(main.summary()) + "\n.SH SYNOPSIS\n" + verbatim(usage_of(main));
  for (const auto& command : table.subspan(1)) text += verbatim(usage_of(command));
  text += ".SH DESCRIPTION\n" + escape(main.summary()) + "\n.PP\n" +
          escape(
              "Without a sub-command, quantize calibrates the model, chooses encodings, fits the weights, rewrites and checks the graph, "
              "evaluates the result, and writes the model, a JSON report and an HTML report. The sub-commands do one part each.") +
          "\n.SH COMMANDS\n";
  for (const auto& command : table.subspan(1)) text += ".TP\n\\fB" + escape(command.name) + "\\fR\n" + escape(command.summary()) + "\n";
  text += ".SH OPTIONS\n" + option_groups(main);
  for (const auto& command : table.subspan(1)) {
    text += ".SH QUANTIZE " + escape(upper(command.name)) + "\n" + escape(command.summary()) + "\n" + option_groups(command);
    if (const auto examples = part(command.footer, "Examples"); !examples.empty()) text += ".SS Examples\n" + verbatim(examples);
  }
  text += ".SH EXIT STATUS\n" + verbatim(part(main.footer, "Exit codes")) + ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\n" +
          "If set, messages have no colour on a terminal either.\n.SH EXAMPLES\n" + verbatim(part(main.footer, "Examples"));
  return text;
}

}  // namespace quantize::cli
