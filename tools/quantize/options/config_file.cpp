#include "options/config_file.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "options/toml_file.h"

namespace quantize::cli {
namespace {

// By its long name, its short one, or as the positional it is.
CLI::Option& option_of(CLI::App& app, const std::string& key, const toml::node& node, const std::filesystem::path& file) {
  if (key.starts_with('-')) refuse_line(file, node.source(), "'" + key + "' is no option here: they are written without dashes");
  auto* option = app.get_option_no_throw("--" + key);
  if (option == nullptr && key.size() == 1) option = app.get_option_no_throw("-" + key);
  if (option == nullptr) option = app.get_option_no_throw(key);
  if (option == nullptr) refuse_line(file, node.source(), "'" + key + "' is no option here" + did_you_mean_option(key, app));
  if (!option->get_configurable()) refuse_line(file, node.source(), "'" + key + "' is for the command line only");
  return *option;
}

std::vector<std::string> values_of(const toml::node& node, const std::string& key, const CLI::Option& option,
                                   const std::filesystem::path& file) {
  const bool is_switch = option.get_expected_max() == 0;
  if (is_switch && !node.is_boolean()) refuse_line(file, node.source(), "'" + key + "' is a switch: true or false");
  if (is_switch && !*node.value<bool>()) return {};
  const auto* list = node.as_array();
  if (list == nullptr) return {typed_word(node, key, file)};
  if (list->size() > 1 && option.get_items_expected_max() == 1) refuse_line(file, node.source(), "'" + key + "' takes one value, no list");
  std::vector<std::string> values;
  for (const auto& entry : *list) values.push_back(typed_word(entry, key, file));
  return values;
}

// An option has several names; TOML itself refuses one key that stands twice. The table is in the order of its keys, not of its lines.
class KeysOfOptions {
 public:
  void add(const CLI::Option& option, const std::string& key, const toml::source_region& place, const std::filesystem::path& file) {
    const auto [known, is_new] = all_.emplace(&option, Key{key, place});
    if (is_new) return;
    Key first = known->second, second{key, place};
    if (second.place.begin < first.place.begin) std::swap(first, second);
    refuse_line(file, second.place, "'" + second.name + "' is the same option as '" + first.name + "', which is set above");
  }

 private:
  struct Key {
    std::string name;
    toml::source_region place;
  };
  std::map<const CLI::Option*, Key> all_;
};

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  const std::filesystem::path file = app_.get_config_ptr()->as<std::string>();
  const auto table = parse_toml(std::string(std::istreambuf_iterator<char>(input), {}), file);
  KeysOfOptions keys;
  for (const auto& [name, node] : table) {
    const std::string key(name.str());
    auto& option = option_of(app_, key, node, file);
    keys.add(option, key, node.source(), file);
    const auto values = values_of(node, key, option, file);
    if (std::ranges::find(values, "") != values.end()) refuse_line(file, node.source(), "'" + key + "' is empty: leave it out");
    if (!option.empty() || values.empty()) continue;
    try {
      option.add_result(values);
      option.run_callback();
    } catch (const CLI::Error& error) {
      refuse_line(file, node.source(), error.what());
    }
  }
  return {};
}

}  // namespace quantize::cli
