// General: what every sub-command knows.
#include <algorithm>

#include "options/groups.h"

namespace quantize::cli {
namespace {

constexpr const char* group = "General";

// What CLI::AsSizeValue would take for another size ("-3" and numbers of 20 digits wrap around) or call no "UINT" ("1.5GB"). To be
// asked before it; of two transforms CLI11 runs the later one first.
std::string refusal_of_size(const std::string& text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits > 0 && digits < 19 && text.find('.') == std::string::npos) return "";
  return "'" + text + "' is no size: a whole number of bytes, or of a unit as in 800MB or 2GB";
}

}  // namespace

void add_memory_limit(CLI::App& app, Input& input) {
  app.add_option("--memory-limit", input.arguments.options.memory_limit,
                 "Memory to keep within: fewer samples at once, and fewer to fit weights on; 0: no limit [0]")
      ->transform(CLI::AsSizeValue(false))
      ->transform(CLI::Validator([](std::string& text) { return refusal_of_size(text); }, ""))
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
