#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "arguments.h"
#include "base/error.h"
#include "fuzz/targets.h"

namespace quantize::fuzz {

// The parser reads the file by name: here a file in memory.
void fuzz_config(Bytes bytes) {
  const int file = memfd_create("config", MFD_CLOEXEC);
  if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const char* argv[] = {"quantize", "model.onnx", "--config", path.c_str()};
  try {
    (void)cli::parse(4, argv);
  } catch (const Error&) {
  }
  ::close(file);
}

}  // namespace quantize::fuzz
