// A file that grows at its end: for contents too large to be in memory at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string_view>

namespace quantize {

// May be used from several threads.
class AppendFile {
 public:
  // Creates `path`, or empties it. Throws Error{output} naming the file, as the other functions do.
  explicit AppendFile(const std::filesystem::path& path);
  // A file without a name in the system's folder for temporary files, gone with this object whatever becomes of the process.
  AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  // Returns where the bytes begin: at a multiple of 4096, so that a runtime can map them.
  std::uint64_t append(std::string_view bytes);
  // Makes sure that the disk has taken everything: a full one may show only here.
  void flush();
  // A path under which this process can read the file.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  [[noreturn]] void fail(int code) const;
  void write(std::string_view bytes);

  std::filesystem::path path_, name_for_messages_;
  int descriptor_ = -1;
  std::mutex mutex_;  // over size_ and the order of writing
  std::uint64_t size_ = 0;
};

}  // namespace quantize
