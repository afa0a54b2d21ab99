#include "base/files.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace quantize {
namespace {

[[noreturn]] void fail_writing(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::output, "cannot write " + path.string() + ": " + std::strerror(code));
}

[[noreturn]] void fail_reading(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::data, "cannot read " + path.string() + ": " + std::strerror(code));
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) throw Error(ErrorKind::data, path.string() + " is a folder, not a file");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_reading(path, errno);
  std::string bytes;
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && status.st_size > 0) bytes.reserve(static_cast<std::size_t>(status.st_size) + 1);
  constexpr std::size_t step = std::size_t{1} << 20;
  int failure = 0;
  for (ssize_t count = 1; count != 0 && failure == 0;) {
    const std::size_t end = bytes.size();
    bytes.resize(end + step);
    count = ::read(descriptor, bytes.data() + end, step);
    if (count < 0 && errno != EINTR) failure = errno;
    bytes.resize(end + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  ::close(descriptor);
  if (failure != 0) fail_reading(path, failure);
  return bytes;
}

FileTransaction::~FileTransaction() {
  std::error_code ignored;
  for (const auto& entry : entries_) std::filesystem::remove(entry.temporary, ignored);
}

std::filesystem::path FileTransaction::reserve(const std::filesystem::path& path) {
  auto temporary = path;
  temporary += ".part" + std::to_string(getpid());
  entries_.push_back({temporary, path});
  return temporary;
}

std::filesystem::path FileTransaction::write(const std::filesystem::path& path, std::string_view bytes) {
  auto temporary = reserve(path);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_writing(path, errno);
  int failure = 0;
  while (!bytes.empty() && failure == 0) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  if (failure == 0 && ::fsync(descriptor) != 0 && errno != EINVAL) failure = errno;  // a full disk may show only here
  ::close(descriptor);
  if (failure != 0) fail_writing(path, failure);
  return temporary;
}

// Each rename is atomic. A second name (hard link) of the file that is about to be replaced lets a later failure bring the old content
// back.
void FileTransaction::publish() {
  std::error_code code, ignored;
  std::vector<std::filesystem::path> backups(entries_.size());
  std::size_t done = 0;
  for (; done < entries_.size() && !code; ++done) {
    const auto& [temporary, final] = entries_[done];
    if (std::filesystem::is_regular_file(final, ignored)) {
      backups[done] = temporary;
      backups[done] += ".old";
      std::filesystem::create_hard_link(final, backups[done], ignored);
    }
    std::filesystem::rename(temporary, final, code);
  }
  if (code) {
    for (std::size_t i = 0; i + 1 < done; ++i) {
      if (backups[i].empty()) {
        std::filesystem::remove(entries_[i].final, ignored);
      } else {
        std::filesystem::rename(backups[i], entries_[i].final, ignored);
      }
    }
  }
  for (const auto& backup : backups) {
    if (!backup.empty()) std::filesystem::remove(backup, ignored);
  }
  if (code) fail_writing(entries_[done - 1].final, code.value());
  entries_.clear();
}

std::string fingerprint(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace quantize
