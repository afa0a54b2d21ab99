// The tree of sub-commands and options as a plain table: what the shell completions and the man page are written from, so that they cannot
// say anything else than --help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace quantize::cli {

struct OptionRow {
  std::vector<std::string> names;  // "--output", "-o", long ones first; for a positional its placeholder
  std::string value;               // placeholder of the value: "DIR", "w8a8|w8a16"; empty for a flag
  std::string help, group;
  bool positional = false;

  // What the value is to be completed with.
  enum class Kind { none, words, file, folder, text };
  [[nodiscard]] Kind kind() const;
  [[nodiscard]] std::vector<std::string> words() const;  // of "w8a8|w8a16|w4a16"
};

struct CommandRow {
  std::string name;         // empty for the short form
  std::string description;  // the summary, and the usage behind an empty line
  std::string footer;       // examples and exit codes
  std::vector<OptionRow> options;

  [[nodiscard]] std::string summary() const;  // first line of the description
};

// The short form first; hidden sub-commands and options are left out.
std::vector<CommandRow> option_table(const CLI::App& app);

}  // namespace quantize::cli
