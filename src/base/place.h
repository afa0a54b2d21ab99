// Whether two names are one place.
#pragma once

#include <filesystem>

namespace quantize {

// The place that a name leads to, links followed as far as they exist. Never throws: of a name that the file system does not take (too
// long, behind a folder that may not be read), the name itself, made absolute.
inline std::filesystem::path place_of(const std::filesystem::path& path) {
  std::error_code code;
  const auto place = std::filesystem::weakly_canonical(path, code);
  return code ? std::filesystem::absolute(path, code).lexically_normal() : place;
}

}  // namespace quantize
