#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/scratch_folder.h"

namespace quantize::test {

// A test with a folder of its own, removed at the end: tests run at the same time, each in its own process.
class FolderTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const auto path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

 private:
  ScratchFolder scratch_{testing::TempDir()};

 protected:
  const std::filesystem::path folder = scratch_.path();
};

}  // namespace quantize::test
