// Hidden folders for what is on its way: "<parent>/.quantize-XXXXXX", locked by the run that made them. One that nobody holds was left by a
// run that was killed.
#pragma once

#include <filesystem>
#include <string_view>

namespace quantize {

struct LockedFolder {
  std::filesystem::path path;
  int lock = -1;  // a descriptor; the lock ends when it is closed, at the latest with the process
};

// Whether make_locked_folder() gives such names.
bool is_hidden_folder(std::string_view name);

// The descriptor that holds the lock, or -1 where another holds it or the folder is gone.
int lock_folder(const std::filesystem::path& folder);

// A new one. Throws Error{output} saying that `wanted` cannot be written.
LockedFolder make_locked_folder(const std::filesystem::path& parent, const std::filesystem::path& wanted);

}  // namespace quantize
