// The corpus and every input that once brought the program down, through the fuzz targets: no fuzzer is needed for that.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "fuzz/targets.h"

namespace quantize::fuzz {
namespace {

struct Target {
  const char* name;
  void (*run)(Bytes);
};

class FuzzReplay : public testing::TestWithParam<Target> {};

TEST_P(FuzzReplay, CorpusAndCrashesAreAnsweredWithAResultOrAnError) {
  std::vector<std::filesystem::path> files;
  for (const char* kind : {"corpus", "crashes"}) {
    const auto folder = std::filesystem::path(QUANTIZE_SOURCE_DIR) / "tests" / "fuzz" / kind / GetParam().name;
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  }
  ASSERT_FALSE(files.empty());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const std::string bytes = read_file(file);
    EXPECT_NO_THROW(GetParam().run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay,
                         testing::Values(Target{"model", fuzz_model}, Target{"image", fuzz_image}, Target{"npy", fuzz_npy},
                                         Target{"config", fuzz_config}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace quantize::fuzz
