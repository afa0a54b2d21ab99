// An option that takes one of a few words.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/suggest.h"

namespace quantize::cli {

// --help lists the words, with the default; a refusal names them too, and the one that was meant if that can be told. What is recorded is
// the word.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& value, const std::map<std::string, T>& words, const std::string& help) {
  std::vector<std::string> known;
  std::string listed, fallback;
  for (const auto& [word, meaning] : words) {
    known.push_back(word);
    listed += (listed.empty() ? "" : "|") + word;
    if (meaning == value) fallback = word;
  }
  const auto refusal = [words, known, listed](std::string& word) -> std::string {
    return words.contains(word) ? "" : "'" + word + "' is none of " + listed + did_you_mean(word, known);
  };
  const auto set = [words, &value](const std::string& word) { value = words.at(word); };
  return app.add_option_function<std::string>(names, set, help + " [" + fallback + "]")
      ->check(CLI::Validator(refusal, ""))
      ->option_text(listed);
}

}  // namespace quantize::cli
