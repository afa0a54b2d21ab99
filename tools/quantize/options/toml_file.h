// TOML whose keys are options: the jobs file of `quantize batch`, and what --config names.
#pragma once

#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <string_view>

namespace quantize::cli {

// Throws Error{usage}: "jobs.toml, line 4: <text>".
[[noreturn]] void refuse_line(const std::filesystem::path& file, const toml::source_region& place, const std::string& text);

// Throws Error{usage} naming the line for what is no TOML, a key that stands twice among it.
toml::table parse_toml(std::string_view bytes, const std::filesystem::path& file);

// The value as it would be typed. Throws Error{usage} for a table, a list, a date.
std::string typed_word(const toml::node& node, const std::string& key, const std::filesystem::path& file);

// "; did you mean 'samples'?" out of the app's options.
std::string did_you_mean_option(const std::string& key, const CLI::App& app);

}  // namespace quantize::cli
