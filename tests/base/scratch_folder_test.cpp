#include "base/scratch_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "support/folder_test.h"

namespace quantize {
namespace {

class ScratchFolderTest : public test::FolderTest {
 protected:
  void run_beside() const {
    FileTransaction files;
    files.write(folder / "result", "bytes");
    files.publish();
  }
  [[nodiscard]] std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
  }
};

TEST_F(ScratchFolderTest, ItIsTheRunsThatMadeIt) {
  {
    const ScratchFolder scratch(folder);
    std::ofstream(scratch.path() / "half") << "half";
    run_beside();
    EXPECT_TRUE(std::filesystem::exists(scratch.path() / "half"));
  }
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(ScratchFolderTest, WhatAKilledRunLeftIsRemovedByTheNext) {
  const pid_t child = ::fork();
  if (child == 0) {
    const ScratchFolder scratch(folder);
    std::ofstream(scratch.path() / "half") << "half";
    ::_exit(0);  // without the destructor
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_EQ(files_in_folder(), 1U);
  run_beside();
  EXPECT_EQ(files_in_folder(), 1U);
  EXPECT_TRUE(std::filesystem::exists(folder / "result"));
}

}  // namespace
}  // namespace quantize
