#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "report/assets.h"
#include "report/sample_report.h"
#include "report/write_report.h"

namespace quantize {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::string embedded_json(const std::string& page) {
  const std::string_view opening = "type=\"application/json\">";
  const std::size_t start = page.find(opening) + opening.size();
  return page.substr(start, page.find("</script>", start) - start);
}

TEST(WriteHtml, HoldsTheReportTheStyleAndTheScripts) {
  const std::string page = write_html(sample_report());
  EXPECT_EQ(nlohmann::json::parse(embedded_json(page)), nlohmann::json::parse(write_json(sample_report())));
  for (const std::string_view asset :
       {assets::page_style, assets::words_script, assets::table_script, assets::charts_script, assets::report_charts_script,
        assets::pictures_script, assets::report_script, assets::uplot_script, assets::uplot_style})
    EXPECT_TRUE(contains(page, asset));
  EXPECT_TRUE(contains(page, "class=\"verdict good\""));
}

TEST(WriteHtml, SaysOfGatesWhatTheTerminalSays) {
  const std::string page = write_html(report_that_misses_a_gate());
  EXPECT_TRUE(contains(page, "<li><span class=\"badge poor\">missed</span> PSNR is 42.40 dB, --min-psnr demands at least 45 dB</li>"));
  EXPECT_TRUE(contains(write_html(sample_report()), "<span class=\"badge good\">met</span> loss of mIoU is 0.0020, --max-miou-drop"));
  Report report = sample_report();
  report.gates.clear();
  EXPECT_FALSE(contains(write_html(report), "id=\"gates\""));
}

TEST(WriteHtml, EscapesNamesOfNodesInTheJson) {
  Report report = sample_report();
  report.layers[0].node = "</script><script>alert(1)</script><!--";
  const std::string page = write_html(report);
  EXPECT_FALSE(contains(page, "alert(1)</script>"));
  EXPECT_EQ(count_of(page, "<script"), count_of(write_html(sample_report()), "<script"));
  EXPECT_EQ(nlohmann::json::parse(embedded_json(page))["layers"][0]["node"], report.layers[0].node);
}

TEST(WriteHtml, EscapesNamesOfFilesInTheMarkup) {
  Report report = sample_report();
  report.quantized.path = "<b>&.onnx";
  report.pictures[0].name = "\" onload='x' <i>.png";
  const std::string page = write_html(report);
  EXPECT_TRUE(contains(page, "<title>&lt;b&gt;&amp;.onnx - "));
  EXPECT_TRUE(contains(page, "alt=\"Picture &quot; onload=&#39;x&#39; &lt;i&gt;.png\""));
  EXPECT_FALSE(contains(page, "<i>"));
}

TEST(WriteHtml, LeavesBracesInNamesAlone) {
  Report report = sample_report();
  report.warnings = {"{{style}} {{nothing}}"};
  EXPECT_TRUE(contains(embedded_json(write_html(report)), "{{style}} {{nothing}}"));
}

// The examples of RFC 4648 for one, two and no missing bytes.
TEST(WriteHtml, WritesPicturesAsBase64) {
  const std::string page = write_html(sample_report());
  for (const char* encoded : {"base64,TWFu\"", "base64,TWE=\"", "base64,TQ==\"", "base64,\""})
    EXPECT_TRUE(contains(page, encoded)) << encoded;
  EXPECT_EQ(count_of(page, "<img width=\"2\" height=\"1\" alt="), 4U);
}

TEST(WriteHtml, AsksForNothingFromOutside) {
  const std::string page = write_html(sample_report());
  for (const char* request : {"src=\"http", "href=\"http", "url(", "@import", "fetch("}) EXPECT_FALSE(contains(page, request)) << request;
}

}  // namespace
}  // namespace quantize
