// The sub-commands: each file of this folder holds one, composed of option groups and of the library's stations. The short form
// `quantize MODEL --calib DIR` is the command without a name.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

#include "base/context.h"
#include "options/groups.h"

namespace quantize::cli {

struct Command {
  std::string name;      // what the user types after `quantize`; empty for the short form
  std::string summary;   // one line, for the list in `quantize --help`
  std::string usage;     // "MODEL --calib DIR [-o FILE]"
  std::string examples;  // lines for --help
  void (*add_options)(CLI::App& app, Input& input);
  void (*finish)(Input& input);                              // null: the options stand as read
  int (*run)(const Arguments& arguments, Context& context);  // returns the program's exit code
  bool hidden = false;
};

// The short form first. A new sub-command is one line in commands.cpp.
std::span<const Command> commands();

Command quantize_command();
Command calibrate_command();
Command merge_command();
Command encode_command();
Command apply_command();
Command evaluate_command();
Command sensitivity_command();
Command compile_command();
Command inspect_command();
Command report_command();
Command demo_command();
Command batch_command();
Command measure_memory_command();
Command completions_command();
Command man_command();

}  // namespace quantize::cli
