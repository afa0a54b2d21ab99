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

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) throw Error(ErrorKind::output, "cannot make the folder " + folder.string() + ": " + code.message());
}

void refuse_to_replace(const std::filesystem::path& path) {
  using std::filesystem::file_type;
  std::error_code code;
  const auto type = std::filesystem::status(path, code).type();
  if (type == file_type::none) throw Error(ErrorKind::output, "cannot write " + path.string() + ": " + code.message());
  if (type == file_type::directory) throw Error(ErrorKind::output, path.string() + " is a folder; give the name of a file");
  if (type != file_type::not_found && type != file_type::regular)
    throw Error(ErrorKind::output, path.string() + " is not a regular file and would be replaced; give another name");
}

ResultFolder::ResultFolder(const std::filesystem::path& folder) {
  std::error_code code;
  for (auto missing = folder; !missing.empty() && !std::filesystem::exists(missing, code); missing = missing.parent_path())
    made_.push_back(missing);
  try {
    make_folder(folder);
  } catch (...) {
    remove_empty();
    throw;
  }
}

ResultFolder::~ResultFolder() { remove_empty(); }

void ResultFolder::remove_empty() const {
  std::error_code ignored;
  for (const auto& folder : made_) std::filesystem::remove(folder, ignored);  // does nothing where something is in it
}

std::string fingerprint(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace quantize
