// An option that takes one of a few words.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace quantize::cli {

// CLI11 lists the words in --help, with the default, and refuses others.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value, const std::map<std::string, T>& words, const std::string& help) {
  std::string known;
  std::string fallback;
  for (const auto& [word, meaning] : words) {
    known += (known.empty() ? "" : "|") + word;
    if (meaning == value) fallback = word;
  }
  return app.add_option(names, value, help + " [" + fallback + "]")
      ->transform(CLI::CheckedTransformer(words).description(""))
      ->option_text(known);
}

}  // namespace quantize::cli
