// Where text that should be JSON stops being it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quantize {

// "no JSON (line 3, byte 57)", of text that another program or a hand has written; `byte` is where the parser stopped.
std::string no_json(std::string_view text, std::size_t byte);

}  // namespace quantize
