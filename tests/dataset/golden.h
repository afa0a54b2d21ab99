// The files of tests/dataset/golden (made by make_golden.py) and folders to write own ones into.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/files.h"
#include "dataset/image.h"
#include "dataset/npy.h"
#include "support/error_text.h"
#include "support/folder_test.h"

namespace quantize {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(QUANTIZE_SOURCE_DIR) / "tests" / "dataset" / "golden" / name;
}

inline std::span<const std::uint8_t> byte_view(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// The largest difference to the uint8 array (height x width, or height x width x 3) in a golden file; 255 when the sizes differ.
inline int difference(const Image& image, const std::string& golden_name) {
  const Tensor expected = read_npy(golden(golden_name));
  Shape shape = {image.height, image.width};
  if (image.channels != 1) shape.push_back(image.channels);
  if (expected.shape != shape) return 255;
  int largest = 0;
  const auto values = expected.as<std::uint8_t>();
  for (std::size_t i = 0; i < values.size(); ++i) largest = std::max(largest, std::abs(values[i] - image.pixels[i]));
  return largest;
}

// Runs `action`, which must throw an Error of `kind`; returns its text.
template <typename Action>
std::string error_text(const Action& action, ErrorKind kind = ErrorKind::data) {
  const std::string text = test::error_text(action, kind);
  EXPECT_NE(text, "") << "nothing was thrown";
  return text;
}

inline void expect_in(const std::string& part, const std::string& text) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

// A test that writes copies of golden files into its folder.
class GoldenTest : public test::FolderTest {
 protected:
  std::filesystem::path copy(const std::string& golden_name, const std::string& name) const {
    return write(name, read_file(golden(golden_name)));
  }
};

}  // namespace quantize
