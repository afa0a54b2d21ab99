// What was probably meant by a mistyped word.
#pragma once

#include <span>
#include <string>

namespace quantize {

// "; did you mean 'w8a8'?" with the nearest of `known`, empty where none is near: at most a third of the letters differ (one inserted,
// left out, replaced or swapped with its neighbour each), but for a single letter nothing is said.
std::string did_you_mean(const std::string& word, std::span<const std::string> known);

}  // namespace quantize
