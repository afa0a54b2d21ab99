// The files of a data set, told by their names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace quantize {

// By the file's name, in whichever case: of a kind that is read, or of one that is not (.webp, .tiff, ...).
bool is_picture(const std::filesystem::path& path);
bool is_unread_picture(const std::filesystem::path& path);

// The name's ending in lower case: ".png"
std::string lower_ending(const std::filesystem::path& path);

struct DataFolder {
  std::vector<std::filesystem::path> files;  // pictures or .npy tensors, sorted by name
  // What looks like data and is none: pictures of other kinds, where the files are pictures, and links that lead
  // nowhere; sorted, each with the reason.
  std::vector<std::string> passed_over;
};
// Hidden files, sub-folders and everything else are ignored. Throws Error{data} where the folder is missing, holds no data (naming a
// sub-folder that does), or both kinds.
DataFolder list_folder(const std::filesystem::path& folder);

}  // namespace quantize
