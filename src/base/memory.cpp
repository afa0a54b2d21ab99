#include "base/memory.h"

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <fstream>
#include <string>

namespace quantize {

// Not getrusage(): its peak survives exec, so it would hold that of the process that started this one.
std::uint64_t peak_resident_memory() {
  std::ifstream status("/proc/self/status");
  std::uint64_t kilobytes = 0;
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") status >> kilobytes;
  }
  return kilobytes * 1024;
}

void release_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace quantize
