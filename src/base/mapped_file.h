// The bytes of a file without reading it whole: the system brings in the parts that are looked at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace quantize {

class MappedFile {
 public:
  // Throws Error{data} naming the file.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::string_view bytes() const { return {static_cast<const char*>(start_), size_}; }

 private:
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace quantize
