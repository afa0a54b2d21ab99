// Completions for the usual shells, written from the option table.
#pragma once

#include <span>
#include <string>

#include "option_table.h"

namespace quantize::cli {

// Each a script for the shell to read; none of them starts the program.
std::string bash_completions(std::span<const CommandRow> table);
std::string zsh_completions(std::span<const CommandRow> table);
std::string fish_completions(std::span<const CommandRow> table);

}  // namespace quantize::cli
