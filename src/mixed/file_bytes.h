// How large the file of a plan will be, before it is written.
#pragma once

#include <cstdint>

#include "ops/target.h"
#include "optimize/optimize.h"

namespace quantize {

// With everything that changes the graph on its way to the file: matrix products, fewer groups, short names. `target`: with the settings
// that the file is written with. What turns outputs into integers or classes is not counted.
std::uint64_t file_bytes(const Plan& plan, const Target& target);

}  // namespace quantize
