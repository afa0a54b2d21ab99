// An option that takes one of a few words.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/suggest.h"

namespace quantize::cli {

// --help lists the words, with the default; a refusal names them too, and the one that was meant if that can be told.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value, const std::map<std::string, T>& words, const std::string& help) {
  std::vector<std::string> known;
  std::string listed, fallback;
  for (const auto& [word, meaning] : words) {
    known.push_back(word);
    listed += (listed.empty() ? "" : "|") + word;
    if (meaning == value) fallback = word;
  }
  const auto translate = [words, known, listed](std::string& word) -> std::string {
    const auto found = words.find(word);
    if (found == words.end()) return "'" + word + "' is none of " + listed + did_you_mean(word, known);
    word = std::to_string(static_cast<int>(found->second));  // as CLI11 reads enumerations
    return {};
  };
  return app.add_option(names, value, help + " [" + fallback + "]")->transform(CLI::Validator(translate, ""))->option_text(listed);
}

}  // namespace quantize::cli
