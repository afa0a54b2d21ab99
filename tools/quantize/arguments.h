// The command line and the configuration file -> Options. The only place where text is turned into typed values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/options.h"

namespace quantize::cli {

enum class Verbosity { quiet, normal, verbose };

struct Arguments {
  Options options;
  unsigned threads = 0;  // 0: all cores
  Verbosity verbosity = Verbosity::normal;
  bool log_json = false;
  bool dry_run = false;
  // Nothing to run: the exit code for --help, --version and wrong usage, whose text was printed already.
  std::optional<int> exit;
  // The hidden sub-command that a run starts to measure a model's memory in a process of its own.
  std::filesystem::path memory_model;
  std::vector<Shape> memory_shapes;
};

Arguments parse(int argc, char** argv);

}  // namespace quantize::cli
