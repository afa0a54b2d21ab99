// A folder of its own for what another library writes: it names files after each other, so temporary names would end up in them.
// Where the process is killed, the next FileTransaction beside it removes it.
#pragma once

#include <filesystem>

namespace quantize {

class ScratchFolder {
 public:
  // Made in `beside`. Throws Error{output} where that is not possible.
  explicit ScratchFolder(const std::filesystem::path& beside);
  ~ScratchFolder();  // removes it with all it holds
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace quantize
