#include "batch/jobs_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/folder_test.h"

namespace quantize::cli {
namespace {

class JobsFileTest : public test::FolderTest {
 protected:
  void SetUp() override {
    for (const auto* name : {"a.onnx", "b.onnx"}) write(name, "model");
  }
  [[nodiscard]] std::vector<Job> read(const std::string& text) const { return read_jobs(text, folder / "jobs.toml"); }
};

TEST_F(JobsFileTest, EveryCombinationIsAJobInOrder) {
  const auto jobs = read("[defaults]\ncalib = 'c'\n[[job]]\nmodel = '*.onnx'\nscheme = ['w8a8', 'w4a16']\nsamples = [4, 8]\n");
  ASSERT_EQ(jobs.size(), 8U);
  EXPECT_EQ(jobs[0].name, "a.samples-4.w8a8");
  EXPECT_EQ(jobs[0].words, (std::vector<std::string>{"a.onnx", "--calib=c", "--samples=4", "--scheme=w8a8"}));
  EXPECT_EQ(jobs[7].name, "b.samples-8.w4a16");
  EXPECT_EQ(jobs[7].arguments.options.samples, 8U);
}

TEST_F(JobsFileTest, ValuesKeepTheirMeaning) {
  const auto jobs =
      read("[[job]]\nmodel = 'a.onnx'\ncalib = 'with space'\nmean = [0.1, 0.5, 2]\nstrict = true\nholdout = 0.3\nmin-psnr = 40\n");
  const auto& options = jobs.at(0).arguments.options;
  EXPECT_EQ(options.calibration, "with space");
  EXPECT_EQ(options.preprocess.mean, (std::vector<float>{0.1F, 0.5F, 2}));
  EXPECT_TRUE(options.strict);
  EXPECT_EQ(options.holdout, 0.3);
  EXPECT_EQ(options.gates.min_psnr, 40);
}

TEST_F(JobsFileTest, AListOfAnOptionThatTakesSeveralIsOneJobsAndKeepsItsEntries) {
  const auto jobs = read(
      "[[job]]\nmodel = 'a.onnx'\nexclude = ['conv1', 'conv2']\nexclude-op = ['Add', 'Mul']\nexclude-regex = ['a{1,2}', 'b']\n"
      "without = ['round-to-pixels', 'absorb-bias']\nprovider = ['own,x=1', 'other']\n");
  ASSERT_EQ(jobs.size(), 1U);
  const auto& options = jobs[0].arguments.options;
  EXPECT_EQ(options.exclusions.nodes, (std::vector<std::string>{"conv1", "conv2"}));
  EXPECT_EQ(options.exclusions.op_types, (std::vector<std::string>{"Add", "Mul"}));
  EXPECT_EQ(options.exclusions.patterns, (std::vector<std::string>{"a{1,2}", "b"}));
  EXPECT_EQ(options.without, (std::set<std::string>{"round-to-pixels", "absorb-bias"}));
  EXPECT_EQ(options.providers, (std::vector<std::string>{"own,x=1", "other"}));
}

TEST_F(JobsFileTest, ErrorsNameTheLine) {
  try {
    (void)read("[[job]]\nmodel = 'a.onnx'\n\nsampels = 3\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("jobs.toml, line 4: 'sampels' is no option of a job; did you mean 'samples'?"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(JobsFileTest, RefusesWhatABatchDecidesAndWhatIsEmpty) {
  const auto refusal = [&](const std::string& line) {
    try {
      (void)read("[[job]]\nmodel = 'a.onnx'\n" + line + "\n");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal("output = 'x.onnx'").find("line 3: 'output' is no option of a job: results go to the folder"), std::string::npos);
  EXPECT_NE(refusal("dry-run = true").find("line 3: 'dry-run' is for the command line only"), std::string::npos);
  EXPECT_NE(refusal("labels = ''").find("line 3: 'labels' is empty"), std::string::npos);
}

}  // namespace
}  // namespace quantize::cli
