#include "base/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"

namespace quantize {
namespace {

constexpr std::uint64_t alignment = 4096;

}  // namespace

AppendFile::AppendFile(const std::filesystem::path& path) : path_(path), name_for_messages_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
}

AppendFile::AppendFile() {
  std::error_code code;
  const auto folder = std::filesystem::temp_directory_path(code);
  std::string name = (code ? std::filesystem::path("/tmp") : folder) / "quantize-XXXXXX";
  name_for_messages_ = name;
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(errno);
  ::unlink(name.c_str());
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendFile::fail(int code) const {
  throw Error(ErrorKind::output, "cannot write " + name_for_messages_.string() + ": " + std::strerror(code));
}

void AppendFile::write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

std::uint64_t AppendFile::append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (size_ % alignment != 0) write(std::string(alignment - size_ % alignment, '\0'));
  const std::uint64_t begin = size_;
  write(bytes);
  return begin;
}

void AppendFile::flush() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);
}

}  // namespace quantize
