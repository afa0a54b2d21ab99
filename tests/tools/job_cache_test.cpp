#include "batch/job_cache.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::cli {
namespace {

class JobCacheTest : public test::FolderTest {
 protected:
  void SetUp() override {
    FileTransaction files;
    save_model(test::text_model("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu (x) }").proto, folder / "a.onnx", files);
    files.publish();
    write("images/1.png", "picture");
  }
  // Of a job with these settings, as a batch that begins now finds it.
  [[nodiscard]] std::string key(const std::string& settings) const {
    const auto jobs = read_jobs("[[job]]\nmodel = 'a.onnx'\n" + settings, folder / "jobs.toml");
    return JobCache(folder / "cache").key(jobs.at(0), folder);
  }
};

TEST_F(JobCacheTest, AKeyFollowsTheBytesOfEveryFileThatASettingNames) {
  for (const std::string setting : {"assignment = 'bits.json'", "import-encodings = 'bits.json'", "provider = 'own:bits.json,x=1'"}) {
    write("bits.json", "old");
    const auto before = key("calib = 'images'\n" + setting);
    EXPECT_EQ(key("calib = 'images'\n" + setting), before);
    write("bits.json", "new");
    EXPECT_NE(key("calib = 'images'\n" + setting), before) << setting;
  }
}

TEST_F(JobCacheTest, AKeyFollowsPicturesBehindLinks) {
  write("elsewhere/1.png", "old");
  std::filesystem::create_directories(folder / "linked");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "linked" / "input");
  std::filesystem::create_directory_symlink(folder / "linked", folder / "linked" / "itself");
  std::filesystem::create_symlink(folder / "nowhere", folder / "linked" / "dangling");
  const auto before = key("calib = 'linked'");
  write("elsewhere/1.png", "new");
  EXPECT_NE(key("calib = 'linked'"), before);
}

TEST_F(JobCacheTest, RandomDataIsNoFolder) {
  const auto random = key("calib = 'random'");
  EXPECT_EQ(key("calib = 'random'"), random);
  EXPECT_NE(key("calib = 'random'\nseed = 2"), random);
}

TEST_F(JobCacheTest, AJobThatWritesFilesOfItsOwnChoiceIsNotKept) {
  EXPECT_EQ(key("calib = 'images'\nsave-assignment = 'bits.json'"), "");
  EXPECT_EQ(key("calib = 'images'\nexport-encodings = 'aimet:e.json'"), "");
}

TEST_F(JobCacheTest, TheDataOfALargeResultComesBackWithIt) {
  const JobCache cache(folder / "cache");
  write("out/a.onnx", "names a.onnx.data");
  write("out/a.onnx.data", "weights");
  cache.store("key", folder / "out" / "a", {});
  std::filesystem::remove_all(folder / "out");
  std::filesystem::create_directories(folder / "out");
  EXPECT_FALSE(cache.fetch("key", folder / "out" / "b")) << "the model names its data after the file it was written to";
  ASSERT_TRUE(cache.fetch("key", folder / "out" / "a"));
  EXPECT_EQ(read_file(folder / "out" / "a.onnx.data"), "weights");
}

}  // namespace
}  // namespace quantize::cli
