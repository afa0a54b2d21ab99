#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace quantize {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  int failure = descriptor < 0 || ::fstat(descriptor, &status) != 0 ? errno : 0;
  if (failure == 0 && status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    start_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (start_ == MAP_FAILED) {
      failure = errno;
      start_ = nullptr;
      size_ = 0;
    }
  }
  if (descriptor >= 0) ::close(descriptor);
  if (failure != 0) throw Error(ErrorKind::data, "cannot read " + path.string() + ": " + std::strerror(failure));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(start_, other.start_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (start_ != nullptr) ::munmap(start_, size_);
}

}  // namespace quantize
