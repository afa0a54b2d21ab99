#include "base/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace quantize {

ScratchFolder::ScratchFolder(const std::filesystem::path& beside) {
  std::string name = (beside / ".quantize.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::output, "cannot write into " + beside.string() + ": " + std::strerror(errno));
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace quantize
