#include "pipeline/output_names.h"

#include <gtest/gtest.h>

#include "support/error_text.h"
#include "support/folder_test.h"

namespace quantize::test {
namespace {

std::string refusal(const std::string& file, Written what) {
  return error_text(
      [&] {
        refuse_name_of_another_kind("-o", file, what);
        return 0;
      },
      ErrorKind::usage);
}

TEST(OutputNames, ThoseOfAnotherKindAreRefused) {
  EXPECT_EQ(refusal("out/net.onnx", Written::json),
            "-o writes JSON, and out/net.onnx is named like a model, which it would replace; choose a name that ends with .json");
  EXPECT_NE(refusal("net.ONNX", Written::page).find("named like a model"), std::string::npos);
  EXPECT_NE(refusal("table.html", Written::json).find("named like a page"), std::string::npos);
  EXPECT_NE(refusal("table.json", Written::model).find("named like JSON"), std::string::npos);
  EXPECT_NE(refusal("calib/a.JPG", Written::model).find("named like a picture"), std::string::npos);
  EXPECT_NE(refusal("calib/a.webp", Written::json).find("named like a picture"), std::string::npos);
  EXPECT_NE(refusal("calib/a.npy", Written::json).find("named like a tensor"), std::string::npos);
}

using OutputNamesTest = FolderTest;

TEST_F(OutputNamesTest, NothingTakesThePlaceOfAReport) {
  const std::string base = (folder / "net.report").string();
  EXPECT_EQ(refusal(base + ".json", Written::json), "") << "there is none";
  EXPECT_EQ(refusal(base + ".html", Written::page), "");
  write("net.report.html", "of several runs");
  EXPECT_EQ(refusal(base + ".html", Written::page), "") << "a page that no run made may be made anew";
  for (const char* file : {"net.report.json", "net.report.xml", "net.report.md"}) write(file, "of a run");
  EXPECT_NE(refusal(base + ".html", Written::page).find("choose a name that does not end with .report.html"), std::string::npos);
  EXPECT_NE(refusal(base + ".html", Written::json).find("choose a name that ends with .json"), std::string::npos);
  for (const auto what : {Written::model, Written::json, Written::page}) {
    for (const char* ending : {".json", ".html", ".xml", ".md"})
      EXPECT_NE(refusal(base + ending, what).find("the report of a run"), std::string::npos) << ending;
  }
}

TEST(OutputNames, AllOthersAreTaken) {
  for (const char* file : {"net.onnx", "net.v2", "latest", "net.report"}) EXPECT_EQ(refusal(file, Written::model), "") << file;
  EXPECT_EQ(refusal("statistics.json", Written::json), "");
  EXPECT_EQ(refusal("net.encodings", Written::json), "");
  EXPECT_EQ(refusal("comparison.html", Written::page), "");
}

}  // namespace
}  // namespace quantize::test
