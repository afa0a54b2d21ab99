// Numbers as text.
#pragma once

#include <charconv>
#include <concepts>
#include <string>

namespace quantize {

// The fewest digits that read back as the same number.
template <std::floating_point T>
std::string shortest(T value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace quantize
