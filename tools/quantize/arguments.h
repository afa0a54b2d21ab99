// The command line and the configuration file -> typed values. The only place where text is turned into them; options/ holds the option
// tables, commands/ what is done then.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/compile_model.h"
#include "pipeline/options.h"

namespace CLI {
class App;
}

namespace quantize::cli {

enum class Verbosity { quiet, normal, verbose };

struct Command;
struct Input;

struct BatchSettings {
  unsigned workers = 1;
  std::uint64_t memory_megabytes = 0;  // that one job may use; 0: no limit
  std::filesystem::path cache;         // finished work; empty: beside the output
};

struct Arguments {
  const Command* command = nullptr;
  Options options;
  unsigned threads = 0;  // 0: all cores
  unsigned at_once = 0;  // samples run through a model at the same time; 0: as many as threads
  Verbosity verbosity = Verbosity::normal;
  bool log_json = false;
  bool dry_run = false;
  std::vector<std::filesystem::path> files;  // what merge and report take
  std::vector<Shape> shapes;                 // of measure-memory
  std::string shell;                         // of completions
  bool json = false;                         // inspect: for a program rather than a terminal
  BatchSettings batch;
  CompileOptions compile;
  // Nothing to run: the exit code for --help and --version, whose text was printed already.
  std::optional<int> exit;
};

// Throws Error{usage}, naming the option and, where a near one exists, what was probably meant.
Arguments parse(int argc, const char* const* argv);

// Throws Error{usage} that shows how the command is used, where it needs a model and has none.
void refuse_missing_model(const Arguments& arguments);

// The whole tree of options and sub-commands, as parse() knows it: what --help, the completions and the man page are made from. `input` has
// to outlive it.
std::unique_ptr<CLI::App> make_app(Input& input);

}  // namespace quantize::cli
