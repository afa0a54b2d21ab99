#include "base/files.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "support/error_text.h"
#include "support/folder_test.h"

namespace quantize {
namespace {

class Files : public test::FolderTest {
 protected:
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
  }
  std::string failure_of(const std::function<void()>& body, ErrorKind kind) const {
    const std::string text = test::error_text(body, kind);
    EXPECT_NE(text, "") << "no exception";
    return text;
  }
};

TEST_F(Files, AFolderForResultsGoesAgainWhereNoneCame) {
  { const ResultFolder result(folder / "a" / "b"); }
  EXPECT_EQ(files_in_folder(), 0);
  {
    const ResultFolder result(folder / "a" / "b");
    std::ofstream(folder / "a" / "result") << "x";
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "a" / "result"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a" / "b"));
  std::filesystem::create_directory(folder / "mine");
  { const ResultFolder result(folder / "mine"); }
  EXPECT_TRUE(std::filesystem::exists(folder / "mine")) << "it was there before";
}

TEST_F(Files, NothingAppearsBeforePublish) {
  FileTransaction files;
  const auto temporary = files.write(folder / "a.onnx", "alpha");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.onnx"));
  EXPECT_EQ(read_file(temporary), "alpha");
}

TEST_F(Files, AllAppearTogether) {
  FileTransaction files;
  files.write(folder / "a.onnx", "alpha");
  files.write(folder / "b.json", std::string(100000, 'b'));
  files.publish();
  EXPECT_EQ(read_file(folder / "a.onnx"), "alpha");
  EXPECT_EQ(read_file(folder / "b.json").size(), 100000U);
  EXPECT_EQ(files_in_folder(), 2U);
}

TEST_F(Files, PublishReplacesAnOlderFile) {
  for (const std::string text : {"old and longer", "new"}) {
    FileTransaction files;
    files.write(folder / "a", text);
    files.publish();
  }
  EXPECT_EQ(read_file(folder / "a"), "new");
}

TEST_F(Files, AnExceptionLeavesNoDebris) {
  const auto text = failure_of(
      [&] {
        FileTransaction files;
        files.write(folder / "a", "alpha");
        files.write(folder / "missing" / "b", "beta");
      },
      ErrorKind::output);
  EXPECT_NE(text.find((folder / "missing" / "b").string()), std::string::npos) << text;
  EXPECT_EQ(files_in_folder(), 0U);
}

TEST_F(Files, OnePlaceIsNotForTwo) {
  FileTransaction files;
  files.write(folder / "a", "alpha");
  const auto text = failure_of([&] { files.write(folder / "b" / ".." / "a", "beta"); }, ErrorKind::output);
  EXPECT_NE(text.find("two results"), std::string::npos) << text;
}

TEST_F(Files, ANameThatNoFileCanHaveIsNamed) {
  FileTransaction files;
  files.write(folder / "a", "alpha");
  const std::string name(300, 'n');
  const auto text = failure_of([&] { files.write(folder / name, "beta"); }, ErrorKind::output);
  EXPECT_NE(text.find(name), std::string::npos) << text;
}

TEST_F(Files, PublishIsAllOrNothing) {
  std::filesystem::create_directories(folder / "b" / "inner");
  failure_of(
      [&] {
        FileTransaction files;
        files.write(folder / "a", "alpha");
        files.write(folder / "b", "a folder is in the way");
        files.publish();
      },
      ErrorKind::output);
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(Files, WhatIsNoFileIsNeverReplaced) {
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "inner");
  FileTransaction files;
  EXPECT_NE(failure_of([&] { files.write(folder / "pipe", "x"); }, ErrorKind::output).find("not a regular file"), std::string::npos);
  EXPECT_NE(failure_of([&] { files.reserve(folder / "inner"); }, ErrorKind::output).find("is a folder"), std::string::npos);
}

TEST_F(Files, OnlyFoldersWithNamesOfOursAreDebris) {
  for (const char* name : {".quantize-Ab3dE6", ".quantize-Ab3dE6.commit", ".quantize-mine", ".quantize-Ab3dE6.mine", ".quantize-"})
    std::filesystem::create_directory(folder / name);
  { FileTransaction().write(folder / "a", "x"); }
  EXPECT_FALSE(std::filesystem::exists(folder / ".quantize-Ab3dE6"));
  EXPECT_FALSE(std::filesystem::exists(folder / ".quantize-Ab3dE6.commit"));
  EXPECT_EQ(files_in_folder(), 3U);
}

TEST_F(Files, AFailedPublishBringsOlderFilesBack) {
  {
    FileTransaction files;
    files.write(folder / "a", "old");
    files.publish();
  }
  std::filesystem::create_directories(folder / "b" / "inner");
  failure_of(
      [&] {
        FileTransaction files;
        files.write(folder / "a", "new");
        files.write(folder / "b", "a folder is in the way");
        files.publish();
      },
      ErrorKind::output);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(files_in_folder(), 2U);
}

// The folder in which the next process to be made decides for what waits there and is killed before it moves anything.
std::filesystem::path deadly_folder;

void decide_and_die() {
  if (deadly_folder.empty()) return;
  for (const auto& entry : std::filesystem::directory_iterator(deadly_folder)) {
    if (entry.is_directory()) std::filesystem::rename(entry.path(), entry.path().string() + ".commit");
  }
  std::raise(SIGKILL);
}

TEST_F(Files, AKilledMoverIsAFailureThatTheNextRunMakesGood) {
  ASSERT_EQ(::pthread_atfork(nullptr, nullptr, decide_and_die), 0);
  {
    FileTransaction files;
    files.write(folder / "a", "alpha");
    deadly_folder = folder;
    const auto text = failure_of([&] { files.publish(); }, ErrorKind::output);
    deadly_folder.clear();
    EXPECT_NE(text.find("killed"), std::string::npos) << text;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  FileTransaction next;
  next.write(folder / "b", "beta");
  next.publish();
  EXPECT_EQ(read_file(folder / "a"), "alpha");
  EXPECT_EQ(files_in_folder(), 2U);
}

TEST_F(Files, ReservedNamesArePublishedToo) {
  FileTransaction files;
  const auto temporary = files.reserve(folder / "a");
  EXPECT_EQ(temporary.filename(), "a");
  EXPECT_EQ(temporary.parent_path().parent_path(), folder);
  std::filesystem::copy_file(files.write(folder / "b", "beta"), temporary);
  files.publish();
  EXPECT_EQ(read_file(folder / "a"), "beta");
}

TEST_F(Files, FilesWaitTogetherUnderTheirOwnNames) {
  FileTransaction files;
  const auto model = files.write(folder / "a.onnx", "refers to a.data");
  EXPECT_EQ(read_file(files.write(folder / "a.data", "weights").parent_path() / "a.onnx"), "refers to a.data");
  EXPECT_EQ(model.parent_path() / "a.data", files.reserve(folder / "c").parent_path() / "a.data");
}

TEST_F(Files, WhatAKilledRunLeftIsRemovedByTheNext) {
  std::filesystem::create_directories(folder / ".quantize-dead01");
  std::ofstream(folder / ".quantize-dead01" / "half.onnx") << "half";
  FileTransaction files;
  files.write(folder / "a", "alpha");
  files.publish();
  EXPECT_FALSE(std::filesystem::exists(folder / ".quantize-dead01"));
  EXPECT_FALSE(std::filesystem::exists(folder / "half.onnx"));
}

TEST_F(Files, WhatHadBeenDecidedIsCompletedByTheNext) {
  {
    FileTransaction old;
    old.write(folder / "model.onnx", "old");
    old.publish();
  }
  const auto staging = folder / ".quantize-dead01.commit";
  std::filesystem::create_directories(staging);
  std::filesystem::copy_file(folder / "model.onnx", staging / "model.onnx.old");
  std::ofstream(staging / "model.onnx") << "new";
  FileTransaction files;
  files.write(folder / "a", "alpha");
  files.publish();
  EXPECT_EQ(read_file(folder / "model.onnx"), "new");
  EXPECT_EQ(files_in_folder(), 2U);
}

TEST_F(Files, ARunAtWorkIsLeftAlone) {
  FileTransaction at_work;
  const auto temporary = at_work.write(folder / "a", "alpha");
  {
    FileTransaction other;
    other.write(folder / "b", "beta");
    other.publish();
  }
  EXPECT_EQ(read_file(temporary), "alpha");
  at_work.publish();
  EXPECT_EQ(read_file(folder / "a"), "alpha");
  EXPECT_EQ(files_in_folder(), 2U);
}

TEST_F(Files, ReadingNamesTheFile) {
  EXPECT_NE(failure_of([&] { read_file(folder / "none"); }, ErrorKind::data).find("none"), std::string::npos);
  EXPECT_NE(failure_of([&] { read_file(folder); }, ErrorKind::data).find("folder"), std::string::npos);
}

TEST_F(Files, BytesSurvive) {
  const std::string bytes("\0\r\n\x1A\xFF", 5);
  FileTransaction files;
  files.write(folder / "a", bytes);
  files.publish();
  EXPECT_EQ(read_file(folder / "a"), bytes);
}

TEST(Fingerprint, TellsBytesApart) {
  EXPECT_EQ(fingerprint(""), "99aa06d3014798d86001c324468d497f");  // XXH3's own test vector, seed 0
  EXPECT_EQ(fingerprint("model"), fingerprint("model"));
  EXPECT_NE(fingerprint("model"), fingerprint("modem"));
}

}  // namespace
}  // namespace quantize
