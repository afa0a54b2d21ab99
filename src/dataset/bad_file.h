// How a file of a data set is refused.
#pragma once

#include <string>

#include "base/error.h"

namespace quantize {

[[noreturn]] inline void bad_file(const std::string& name, const std::string& what) { throw Error(ErrorKind::data, name + ": " + what); }

}  // namespace quantize
