// An option that takes a number.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

namespace quantize::cli {

// Decimal and finite, as people write numbers. CLI11's own reading wraps "-1" around to the largest number there is and takes "0x10", "nan"
// and "010" (octal) for numbers as well.
template <typename T>
std::optional<T> number_in(const std::string& text) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

// Refuses everything else.
template <typename T>
CLI::Validator is_number(T largest = std::numeric_limits<T>::max()) {
  const auto refusal = [largest](std::string& text) -> std::string {
    const auto value = number_in<T>(text);
    if (value && *value <= largest) return {};
    const bool whole = std::is_integral_v<T>;
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (whole && digits) return "'" + text + "' is more than " + std::to_string(largest);
    return "'" + text + "' is not a " + (whole ? "whole " : "") + "number" + (std::is_unsigned_v<T> ? " of 0 or more" : "");
  };
  return CLI::Validator(refusal, "");
}

// `place` is a T or a std::optional<T>. What is recorded is the number as it was typed.
template <typename T, typename Place>
CLI::Option* add_number(CLI::App& app, const std::string& names, Place& place, const std::string& help,
                        T largest = std::numeric_limits<T>::max()) {
  const auto set = [&place](const std::string& text) { place = *number_in<T>(text); };
  return app.add_option_function<std::string>(names, set, help)->check(is_number<T>(largest));
}

}  // namespace quantize::cli
