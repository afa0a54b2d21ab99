// Files are read whole and written whole: a result appears under its name only when it is complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

// Throws Error{kind} naming the file.
std::string read_file(const std::filesystem::path& path);

// A set of files that appear together or not at all. Each is written beside its final place under a temporary name; publish() renames them
// all. Whatever was not published is removed by the destructor, so an exception or Ctrl-C leaves no debris.
class FileTransaction {
 public:
  FileTransaction() = default;
  FileTransaction(const FileTransaction&) = delete;
  FileTransaction& operator=(const FileTransaction&) = delete;
  ~FileTransaction();

  // Throws Error{output} when the folder is missing or not writable, or the disk is full. Returns where the bytes are until publish().
  std::filesystem::path write(const std::filesystem::path& path, std::string_view bytes);
  // Reserves a temporary name beside `path` for something another library will write.
  std::filesystem::path reserve(const std::filesystem::path& path);
  void publish();

 private:
  struct Entry {
    std::filesystem::path temporary, final;
  };
  std::vector<Entry> entries_;
};

// A fingerprint of bytes (XXH3, 128 bits, 32 hexadecimal digits): tells whether a model or a data set is the same one, not who made it.
std::string fingerprint(std::string_view bytes);

}  // namespace quantize
