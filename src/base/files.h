// Files are read whole and written whole: a result appears under its name only when it is complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

// Throws Error{kind} naming the file.
std::string read_file(const std::filesystem::path& path);
// Makes the folder and those above it where they are missing. Throws Error{output}.
void make_folder(const std::filesystem::path& folder);

// Throws Error{output} where a file that takes this name would replace what is no file: a folder, a device, a pipe.
void refuse_to_replace(const std::filesystem::path& path);

// A folder for results, made with those above it where they are missing. What was made goes again with this object if nothing came into it.
class ResultFolder {
 public:
  // Throws Error{output}.
  explicit ResultFolder(const std::filesystem::path& folder);
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;
  ~ResultFolder();

 private:
  void remove_empty() const;

  std::vector<std::filesystem::path> made_;  // innermost first
};

// A set of files that appear together or not at all.
//
// They are written under their own names into a hidden staging folder beside their final places ("<folder>/.quantize-XXXXXX", locked as
// long as this object lives), so that files may refer to each other by name. publish() renames the staging folder ("....commit"), which
// decides, and moves the files out. An exception or Ctrl-C leaves no debris (the destructor removes what was not
// published); a SIGKILL leaves a staging folder, and the next transaction in the same folder removes it, or completes it if it was decided.
// The moves are made by a process of their own that a kill of this one does not reach: only a power cut (or the end of a whole container)
// between two renames can show old and new files side by side, until the next transaction there.
class FileTransaction {
 public:
  FileTransaction() = default;
  FileTransaction(const FileTransaction&) = delete;
  FileTransaction& operator=(const FileTransaction&) = delete;
  ~FileTransaction();

  // Throws Error{output} when the folder is missing or not writable, the disk is full, or there is a file for that place already. Returns
  // where the bytes are until publish().
  std::filesystem::path write(const std::filesystem::path& path, std::string_view bytes);
  // The same for something another library will write: the place to write to.
  std::filesystem::path reserve(const std::filesystem::path& path);
  // Moves all files to their places, in the order they were written. Where one cannot be moved, the places are as they were before and
  // Error{output} is thrown.
  void publish();

 private:
  struct Entry {
    std::filesystem::path temporary, final;
  };
  struct Staging {
    std::filesystem::path parent, folder;
    int lock = -1;
  };
  Staging& staging_for(const std::filesystem::path& path);
  void close();  // removes what is left of the staging folders

  std::vector<Entry> entries_;
  std::vector<Staging> stagings_;  // one per final folder
};

// A fingerprint of bytes (XXH3, 128 bits, 32 hexadecimal digits): tells whether a model or a data set is the same one, not who made it.
std::string fingerprint(std::string_view bytes);

}  // namespace quantize
