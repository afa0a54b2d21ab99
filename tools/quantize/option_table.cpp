#include "option_table.h"

#include <sstream>

namespace quantize::cli {
namespace {

bool is_placeholder(const std::string& word) { return word.find_first_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos; }

OptionRow row_of(const CLI::Option& option) {
  OptionRow row;
  row.value = option.get_option_text();
  if (row.value.empty() && option.get_expected_max() > 0) row.value = "VALUE";
  for (const auto& name : option.get_lnames()) row.names.push_back("--" + name);
  for (const auto& name : option.get_snames()) row.names.push_back("-" + name);
  if (row.names.empty()) {
    row.positional = true;
    row.names.push_back(row.value.empty() ? option.get_name() : row.value);
  }
  row.help = option.get_description();
  row.group = option.get_group();
  return row;
}

CommandRow command_of(const CLI::App& app, const std::string& name) {
  CommandRow command{name, app.get_description(), app.get_footer(), {}};
  for (const auto* option : app.get_options()) {
    if (!option->get_group().empty()) command.options.push_back(row_of(*option));
  }
  return command;
}

}  // namespace

OptionRow::Kind OptionRow::kind() const {
  if (value.empty()) return Kind::none;
  if (value.find('|') != std::string::npos) return words().empty() ? Kind::text : Kind::words;
  if (value.starts_with("DIR")) return Kind::folder;
  for (const char* file : {"FILE", "MODEL", "JSON", "STATISTICS", "ENCODINGS"}) {
    if (value.find(file) != std::string::npos) return Kind::file;
  }
  return Kind::text;
}

std::vector<std::string> OptionRow::words() const {
  std::vector<std::string> all;
  std::stringstream stream(value);
  for (std::string word; std::getline(stream, word, '|');) {
    if (!is_placeholder(word)) all.push_back(word);
  }
  return all;
}

std::string CommandRow::summary() const { return description.substr(0, description.find('\n')); }

std::vector<CommandRow> option_table(const CLI::App& app) {
  std::vector<CommandRow> table = {command_of(app, "")};
  for (const auto* sub : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    table.push_back(command_of(*sub, sub->get_name()));
  return table;
}

}  // namespace quantize::cli
