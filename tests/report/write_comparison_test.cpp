#include "report/write_comparison.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/sample_report.h"
#include "report/write_report.h"
#include "support/folder_test.h"

namespace quantize {
namespace {

std::vector<ComparedRun> two_runs() {
  std::vector<ComparedRun> runs = {{sample_report(), "net_w8a8.report.html"}, {sample_report(), ""}};
  Report& second = runs[1].report;
  second.quantized.path = "out/net_w4a16.onnx";
  second.scheme = "w4a16";
  second.latency.reset();
  second.accuracy.agreement = 0.8;
  return runs;
}

TEST(WriteComparison, HoldsEveryReportAndTheNotes) {
  const auto runs = two_runs();
  const std::vector<std::string> notes = {"job <b> failed"};
  const std::string page = write_comparison_html(runs, notes);
  const std::string_view opening = "<script id=\"data\" type=\"application/json\">";
  const std::size_t start = page.find(opening) + opening.size();
  const auto json = nlohmann::json::parse(page.substr(start, page.find("</script>", start) - start));
  ASSERT_EQ(json["reports"].size(), 2U);
  EXPECT_EQ(json["reports"][1], nlohmann::json::parse(write_json(runs[1].report)));
  EXPECT_EQ(json["pages"], nlohmann::json({"net_w8a8.report.html", ""}));
  EXPECT_NE(page.find("<li>job &lt;b&gt; failed</li>"), std::string::npos);
  EXPECT_NE(page.find("<title>net.onnx - quantize</title>"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
}

TEST(WriteComparison, DoesNotNameAModelThatOnlySomeRunsShare) {
  auto runs = two_runs();
  runs[1].report.fp32.fingerprint = "another";
  EXPECT_NE(write_comparison_html(runs).find("<title>2 runs - quantize</title>"), std::string::npos);
}

using ReadRun = test::FolderTest;

TEST_F(ReadRun, FindsThePageBesideTheReportAndEscapesItsAddress) {
  const auto report = write("a:b #1/net.report.json", write_json(sample_report()));
  EXPECT_EQ(read_run(report, folder / "all.html").page, "");
  write("a:b #1/net.report.html", "a page");
  EXPECT_EQ(read_run(report, folder / "all.html").page, "a%3Ab%20%231/net.report.html");
  EXPECT_EQ(read_run(report, report.parent_path() / "all.html").page, "net.report.html");
  EXPECT_EQ(read_run(report, folder / "other" / "all.html").page, "../a%3Ab%20%231/net.report.html");
}

TEST(WriteComparison, PrintsOneLineARun) {
  EXPECT_EQ(write_comparison_text(two_runs()),
            "Model           Scheme  Bytes   Size           Speed         PSNR      Pixels as FP32  mIoU vs FP32  mIoU on labels        "
            "Verdict\n"
            "net_w8a8.onnx   w8a8    1.0 MB  4.00x smaller  2.50x faster  42.40 dB  97.52 %         0.8830        0.3970 (FP32 0.3990)  "
            "Ready to ship\n"
            "net_w4a16.onnx  w4a16   1.0 MB  4.00x smaller  -             42.40 dB  80.00 %         0.8830        0.3970 (FP32 0.3990)  "
            "Do not ship\n");
}

TEST(WriteComparison, ListsAReportThatIsGivenTwiceOnce) {
  auto runs = two_runs();
  runs.push_back(runs[0]);
  EXPECT_EQ(write_comparison_text(runs), write_comparison_text(two_runs()));
  EXPECT_EQ(write_comparison_html(runs), write_comparison_html(two_runs()));
}

TEST(WriteComparison, CopesWithNothing) {
  EXPECT_NE(write_comparison_html({}).find("No runs"), std::string::npos);
  EXPECT_NE(write_comparison_text({}).find("Verdict"), std::string::npos);
}

}  // namespace
}  // namespace quantize
