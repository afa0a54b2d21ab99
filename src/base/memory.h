// Memory of this process.
#pragma once

#include <cstdint>

namespace quantize {

// The most that was resident at once so far, in bytes; 0 where the system does not say. Not that of the program which started this one.
std::uint64_t peak_resident_memory();

// Gives what was freed back to the system: after a stage that kept much, so that the next one's needs do not come on top.
void release_free_memory();

}  // namespace quantize
