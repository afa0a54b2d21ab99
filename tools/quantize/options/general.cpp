// General: what every sub-command knows.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "base/lower_case.h"
#include "options/config_file.h"
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {
namespace {

constexpr const char* group = "General";

// Of "800MB" or "2GB"; nothing where it is no size.
std::optional<std::uint64_t> bytes_in(const std::string& text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = number_in<std::uint64_t>(text.substr(0, digits));
  const std::string unit = lower_case(text.substr(std::min(text.find_first_not_of(' ', digits), text.size())));
  static const std::map<std::string, int> powers = {{"", 0},     {"b", 0},  {"k", 10},  {"kb", 10},  {"kib", 10}, {"m", 20},  {"mb", 20},
                                                    {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}, {"t", 40},   {"tb", 40}, {"tib", 40}};
  const auto power = powers.find(unit);
  if (!count || power == powers.end() || *count > std::numeric_limits<std::uint64_t>::max() >> power->second) return std::nullopt;
  return *count << power->second;
}

std::string refusal_of_size(const std::string& text) {
  constexpr std::uint64_t least_plain = std::uint64_t{1} << 20;  // less cannot be meant as bytes: "100" wants to be 100MB
  const auto bytes = bytes_in(text);
  const bool plain = text.find_first_not_of("0123456789") == std::string::npos;
  if (bytes && plain && *bytes > 0 && *bytes < least_plain) return "'" + text + "' lacks its unit, and would be bytes: " + text + "MB?";
  if (bytes) return "";
  return "'" + text + "' is no size: a whole number of bytes, or of a unit as in 800MB or 2GB";
}

}  // namespace

void add_memory_limit(CLI::App& app, Input& input) {
  auto& limit = input.arguments.options.memory_limit;
  app.add_option_function<std::string>(
         "--memory-limit", [&limit](const std::string& text) { limit = *bytes_in(text); },
         "Memory to keep within: fewer samples at once, and fewer to fit weights on; 0: no limit [0]")
      ->check(CLI::Validator([](std::string& text) { return refusal_of_size(text); }, ""))
      ->option_text("800MB|2GB")
      ->group(group);
}

void add_general_options(CLI::App& app, Input& input) {
  auto& arguments = input.arguments;
  add_number<unsigned>(app, "--threads", arguments.threads, "Threads; 0: all cores [0]")
      ->check(CLI::Range(0U, 1024U))  // ONNX Runtime starts as many as it is told to
      ->option_text("N")
      ->group(group);
  add_number<unsigned>(
      app, "--at-once", arguments.at_once,
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
      ->excludes("--verbose")
      ->group(group);
  app.set_config("--config", "", "Read options from a TOML file; unknown keys are errors")
      ->each([&arguments](const std::string& file) { arguments.options.config_file = file; })
      ->option_text("FILE")
      ->group(group);
  app.config_formatter(std::make_shared<ConfigFile>(app));
}

}  // namespace quantize::cli
