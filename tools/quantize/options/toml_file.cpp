#include "options/toml_file.h"

#include <vector>

#include "base/error.h"
#include "base/shortest.h"
#include "base/suggest.h"

namespace quantize::cli {

void refuse_line(const std::filesystem::path& file, const toml::source_region& place, const std::string& text) {
  throw Error(ErrorKind::usage, file.string() + ", line " + std::to_string(place.begin.line) + ": " + text);
}

toml::table parse_toml(std::string_view bytes, const std::filesystem::path& file) {
  try {
    return toml::parse(bytes, file.string());
  } catch (const toml::parse_error& error) {
    refuse_line(file, error.source(), std::string(error.description()));
  }
}

std::string typed_word(const toml::node& node, const std::string& key, const std::filesystem::path& file) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return shortest(number->get());
  refuse_line(file, node.source(), "the value of '" + key + "' is neither text nor a number nor true or false");
}

std::string did_you_mean_option(const std::string& key, const CLI::App& app) {
  std::vector<std::string> known;
  for (const auto* option : app.get_options()) known.push_back(option->get_single_name());
  return did_you_mean(key, known);
}

}  // namespace quantize::cli
