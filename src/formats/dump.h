// JSON as text.
#pragma once

#include <string>

namespace quantize {

// Names of files and names in models need not be UTF-8, JSON must be. On one line where no indent is given.
template <typename AnyJson>
std::string dump(const AnyJson& value, int indent = -1) {
  return value.dump(indent, ' ', false, AnyJson::error_handler_t::replace);
}

}  // namespace quantize
