#include "base/scratch_folder.h"

#include <unistd.h>

#include "base/locked_folder.h"

namespace quantize {

ScratchFolder::ScratchFolder(const std::filesystem::path& beside) {
  const auto made = make_locked_folder(beside, beside);
  path_ = made.path;
  lock_ = made.lock;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  ::close(lock_);
}

}  // namespace quantize
