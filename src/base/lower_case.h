#pragma once

#include <algorithm>
#include <cctype>
#include <string>

namespace quantize {

// Of ASCII letters; all other bytes stay.
inline std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

}  // namespace quantize
