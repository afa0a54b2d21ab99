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

// Decimal and finite, as people write numbers, a plus sign in front or not. Returns what is wrong. CLI11's own reading wraps "-1" around to
// the largest number there is and takes "0x10", "nan" and "010" (octal) for numbers as well.
template <typename T>
std::errc read_number(const std::string& text, T& value) {
  const bool has_plus = text.starts_with('+') && !text.starts_with("+-");
  const auto [end, failure] = std::from_chars(text.data() + has_plus, text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::errc::invalid_argument;
  if constexpr (std::is_floating_point_v<T>) {
    if (failure == std::errc() && !std::isfinite(value)) return std::errc::invalid_argument;
  }
  return failure;
}

template <typename T>
std::optional<T> number_in(const std::string& text) {
  T value{};
  return read_number(text, value) == std::errc() ? std::optional(value) : std::nullopt;
}

// Refuses everything else.
template <typename T>
CLI::Validator is_number(T largest = std::numeric_limits<T>::max()) {
  const auto refusal = [largest](std::string& text) -> std::string {
    T value{};
    const auto failure = read_number(text, value);
    if (failure == std::errc() && value <= largest) return {};
    const bool whole = std::is_integral_v<T>;
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (whole && digits) return "'" + text + "' is more than " + std::to_string(largest);
    if (failure == std::errc::result_out_of_range) return "'" + text + "' is too large or too small";
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
