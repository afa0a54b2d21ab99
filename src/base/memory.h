// Memory of this process.
#pragma once

#include <cstdint>

namespace quantize {

// The most that was resident at once so far, in bytes; 0 where the system does not say. Not that of the program which started this one.
std::uint64_t peak_resident_memory();

}  // namespace quantize
