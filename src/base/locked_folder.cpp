#include "base/locked_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"

namespace quantize {
namespace {

constexpr std::string_view hidden_prefix = ".quantize-", random_part = "XXXXXX";

}  // namespace

bool is_hidden_folder(std::string_view name) {
  return name.starts_with(hidden_prefix) && name.size() == hidden_prefix.size() + random_part.size();
}

int lock_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat locked {
  }, named{};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ::fstat(descriptor, &locked) == 0 && ::stat(folder.c_str(), &named) == 0 &&
      locked.st_ino == named.st_ino) {
    return descriptor;
  }
  ::close(descriptor);
  return -1;
}

LockedFolder make_locked_folder(const std::filesystem::path& parent, const std::filesystem::path& wanted) {
  constexpr int attempts = 10;  // another run's cleaning may take the folder away before it is locked
  int reason = EBUSY;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::string name = (parent / (std::string(hidden_prefix) + std::string(random_part))).string();
    if (::mkdtemp(name.data()) == nullptr) {
      reason = errno;
      break;
    }
    if (const int lock = lock_folder(name); lock >= 0) return {name, lock};
  }
  throw Error(ErrorKind::output, "cannot write " + wanted.string() + ": " + std::strerror(reason));
}

}  // namespace quantize
