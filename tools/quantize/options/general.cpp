// General: what every sub-command knows.
#include "options/groups.h"

namespace quantize::cli {
namespace {

constexpr const char* group = "General";

}  // namespace

void add_memory_limit(CLI::App& app, Input& input) {
  app.add_option("--memory-limit", input.arguments.options.memory_limit,
                 "Memory to keep within: fewer samples at once, and fewer to fit weights on; 0: no limit [0]")
      ->transform(CLI::AsSizeValue(false))
      ->option_text("800MB|2GB")
      ->group(group);
}

void add_general_options(CLI::App& app, Input& input) {
  auto& arguments = input.arguments;
  app.add_option("--threads", arguments.threads, "Threads; 0: all cores [0]")->option_text("N")->group(group);
  app.add_option("--at-once", arguments.at_once,
                 "Samples run through a model at once: fewer need less memory, with the threads within each; 0: as many as threads [0]")
      ->option_text("N")
      ->group(group);
  app.add_flag("--strict", arguments.options.strict, "Stop at the first unreadable image or undone preparation step")->group(group);
  app.add_flag("--log-json", arguments.log_json, "One JSON object per message on standard error")->group(group);
  app.add_flag_callback(
         "-v,--verbose", [&] { arguments.verbosity = Verbosity::verbose; }, "Say more")
      ->group(group);
  app.add_flag_callback(
         "-q,--quiet", [&] { arguments.verbosity = Verbosity::quiet; }, "Say only warnings and errors")
      ->group(group);
  app.set_config("--config", "", "Read options from a TOML file; unknown keys are errors")->option_text("FILE")->group(group);
  app.allow_config_extras(CLI::config_extras_mode::error);
}

}  // namespace quantize::cli
