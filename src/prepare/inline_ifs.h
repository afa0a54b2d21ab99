// Part of fold-constants: control flow that is decided already.
#pragma once

#include <cstddef>

#include "model/model.h"

namespace quantize {

// Replaces each If of the main graph whose condition is a constant by the branch it takes. Returns how many.
std::size_t inline_ifs(Model& model);

}  // namespace quantize
