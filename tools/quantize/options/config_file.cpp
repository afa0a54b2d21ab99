#include "options/config_file.h"

#include <iterator>

#include "options/toml_file.h"

namespace quantize::cli {
namespace {

// By its long name, its short one, or as the positional it is.
CLI::Option& option_of(CLI::App& app, const std::string& key, const toml::node& node, const std::filesystem::path& file) {
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

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  const std::filesystem::path file = app_.get_config_ptr()->as<std::string>();
  const auto table = parse_toml(std::string(std::istreambuf_iterator<char>(input), {}), file);
  for (const auto& [name, node] : table) {
    const std::string key(name.str());
    auto& option = option_of(app_, key, node, file);
    const auto values = values_of(node, key, option, file);
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
