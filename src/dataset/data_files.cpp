#include "dataset/data_files.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/lower_case.h"
#include "dataset/npy.h"

namespace quantize {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> pictures_read = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::data, text); }

// Why this entry is no data, though it looks like some; "" where it does not, or is.
struct PassedOver {
  std::string reason;
  bool unread_picture = false;
};
PassedOver why_passed_over(const fs::directory_entry& entry) {
  std::error_code code;
  const auto& path = entry.path();
  const bool is_data = is_picture(path) || is_npy(path);
  if (!is_data && !is_unread_picture(path)) return {};
  if (entry.is_directory(code)) return {};
  if (!entry.exists(code)) return {entry.is_symlink(code) ? "a link that leads nowhere" : ""};
  if (is_unread_picture(path)) return {lower_ending(path) + " pictures are not read; convert it to JPEG or PNG", true};
  return {entry.is_regular_file(code) ? "" : "not a regular file"};
}

struct Listing {
  std::vector<fs::path> folders;  // sorted by name, hidden ones left out
  bool has_data = false;
};
Listing look_into(const fs::path& folder) {
  Listing seen;
  std::error_code code, ignored;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    const auto& path = entry->path();
    if (path.filename().string().starts_with('.')) continue;
    if (entry->is_directory(ignored)) seen.folders.push_back(path);
    seen.has_data |= (is_picture(path) || is_npy(path)) && entry->is_regular_file(ignored);
  }
  std::sort(seen.folders.begin(), seen.folders.end());
  return seen;
}

// The nearest folder below that holds what is looked for in this one; empty where none is found soon: it may be a whole disk, and a link
// may lead back to where it is.
fs::path folder_with_data(const fs::path& folder) {
  constexpr std::size_t most_folders = 1000;
  auto queue = look_into(folder).folders;
  for (std::size_t i = 0; i < std::min(queue.size(), most_folders); ++i) {
    const auto seen = look_into(queue[i]);
    if (seen.has_data) return queue[i];
    queue.insert(queue.end(), seen.folders.begin(), seen.folders.end());
  }
  return {};
}

[[noreturn]] void refuse_without_data(const fs::path& folder, const std::vector<std::string>& passed_over) {
  std::string known;
  for (const auto ending : pictures_read) known += (known.empty() ? "" : " ") + std::string(ending);
  const std::string text = "the folder " + folder.string() + " holds no pictures (" + known + ") and no .npy files";
  if (!passed_over.empty()) fail(text + "; what it has cannot be used: " + passed_over.front());
  const auto below = folder_with_data(folder);
  if (below.empty()) fail(text);
  fail(text + " itself; there are some in " + below.string() + ", but sub-folders are not searched: put all files, or links to them, " +
       "into one folder");
}

}  // namespace

std::string lower_ending(const fs::path& path) { return lower_case(path.extension().string()); }

bool is_picture(const fs::path& path) { return std::ranges::find(pictures_read, lower_ending(path)) != pictures_read.end(); }

bool is_unread_picture(const fs::path& path) {
  static const std::set<std::string, std::less<>> endings = {".webp", ".gif",  ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2",
                                                             ".j2k",  ".jfif", ".jpe", ".tga",  ".exr",  ".hdr",  ".dng",  ".pbm", ".pnm"};
  return endings.contains(lower_ending(path));
}

DataFolder list_folder(const fs::path& folder) {
  std::error_code code;
  if (fs::exists(folder, code) && !fs::is_directory(folder, code)) fail(folder.string() + " is a file, not a folder");
  if (!fs::is_directory(folder, code)) fail("there is no folder " + folder.string());
  DataFolder found;
  std::vector<std::string> unread_pictures;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    const auto& path = entry->path();
    if (path.filename().string().starts_with('.')) continue;
    std::error_code ignored;
    if (const auto [reason, unread_picture] = why_passed_over(*entry); !reason.empty()) {
      (unread_picture ? unread_pictures : found.passed_over).push_back(path.string() + ": " + reason);
    } else if (entry->is_regular_file(ignored) && (is_picture(path) || is_npy(path))) {
      found.files.push_back(path);
    }
  }
  if (code) fail("cannot list the folder " + folder.string() + ": " + code.message());
  std::sort(found.files.begin(), found.files.end());
  const auto tensors = std::count_if(found.files.begin(), found.files.end(), is_npy);
  if (tensors == 0)  // beside tensors a picture is an illustration, or what they were made from
    found.passed_over.insert(found.passed_over.end(), unread_pictures.begin(), unread_pictures.end());
  std::sort(found.passed_over.begin(), found.passed_over.end());
  if (found.files.empty()) refuse_without_data(folder, found.passed_over);
  if (tensors != 0 && static_cast<std::size_t>(tensors) != found.files.size())
    fail("the folder " + folder.string() + " mixes pictures and .npy files; keep one kind only");
  return found;
}

}  // namespace quantize
