#include "report/write_comparison.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/sample_report.h"
#include "report/write_report.h"

namespace quantize {
namespace {

std::vector<Report> two_reports() {
  std::vector<Report> reports = {sample_report(), sample_report()};
  reports[1].quantized.path = "out/net_w4a16.onnx";
  reports[1].scheme = "w4a16";
  reports[1].latency.reset();
  reports[1].accuracy.agreement = 0.8;
  return reports;
}

TEST(WriteComparison, HoldsEveryReportAndTheNotes) {
  const auto reports = two_reports();
  const std::vector<std::string> notes = {"job <b> failed"};
  const std::string page = write_comparison_html(reports, notes);
  const std::string_view opening = "<script id=\"reports\" type=\"application/json\">";
  const std::size_t start = page.find(opening) + opening.size();
  const auto json = nlohmann::json::parse(page.substr(start, page.find("</script>", start) - start));
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[1], nlohmann::json::parse(write_json(reports[1])));
  EXPECT_NE(page.find("<li>job &lt;b&gt; failed</li>"), std::string::npos);
  EXPECT_NE(page.find("<title>net.onnx - quantize</title>"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
}

TEST(WriteComparison, DoesNotNameAModelThatOnlySomeRunsShare) {
  auto reports = two_reports();
  reports[1].fp32.fingerprint = "another";
  EXPECT_NE(write_comparison_html(reports).find("<title>2 runs - quantize</title>"), std::string::npos);
}

TEST(WriteComparison, PrintsOneLineARun) {
  EXPECT_EQ(write_comparison_text(two_reports()),
            "Model           Scheme  Bytes   Size           Speed         PSNR      Pixels as FP32  mIoU vs FP32  mIoU    Verdict\n"
            "net_w8a8.onnx   w8a8    1.0 MB  4.00x smaller  2.50x faster  42.40 dB  97.52 %         0.883         0.3970  Ready to ship\n"
            "net_w4a16.onnx  w4a16   1.0 MB  4.00x smaller  -             42.40 dB  80.00 %         0.883         0.3970  Do not ship\n");
}

TEST(WriteComparison, CopesWithNothing) {
  EXPECT_NE(write_comparison_html({}).find("No runs"), std::string::npos);
  EXPECT_NE(write_comparison_text({}).find("Verdict"), std::string::npos);
}

}  // namespace
}  // namespace quantize
