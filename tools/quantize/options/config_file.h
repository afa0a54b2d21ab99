// The file that --config names: TOML, the long names of options as keys.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace quantize::cli {

// CLI11's own reader knows another language that looks like TOML, and tells no lines.
class ConfigFile : public CLI::Config {
 public:
  explicit ConfigFile(CLI::App& app) : app_(app) {}

  // Gives the app's options their values, but those that the command line has given already. Throws Error{usage} naming file and line. The
  // items that CLI11 would like to have are none: it could not say where one that is wrong stands.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  // Nothing writes configurations.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  CLI::App& app_;
};

}  // namespace quantize::cli
