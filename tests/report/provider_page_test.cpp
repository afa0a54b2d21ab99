#include "report/provider_page.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/provider_json.h"

namespace quantize::test {
namespace {

ProviderReport whole() {
  ProviderReport report;
  report.name = "qnn";
  report.simulated = true;
  report.nodes = 40;
  report.images = 2;
  report.against_fp32 = {48.5, 35.25, 0.99, 0.95};
  report.cpu_against_fp32 = {48.75, 35.5, 0.9905, 0.951};
  report.against_cpu = {55, 41, 0.998, 0.99};
  report.milliseconds = 9000;
  report.layers = {{"/head/<Conv>", "Conv", "head", 30.5, 31}};
  report.contexts.emplace_back();
  report.contexts[0].arch = "75";
  report.contexts[0].ready = true;
  report.contexts[0].bytes = 716800;
  report.contexts[0].sqnr_db = 35.0;
  return report;
}

TEST(Readiness, IsYesWhereAllRunsAsSimulated) { EXPECT_EQ(readiness(whole()).substr(0, 4), "Yes:"); }

TEST(Readiness, NamesTheFirstNodeThatFellBackAndWhy) {
  auto report = whole();
  report.fallen_back = {{"/Resize", "Resize", "Cannot get shape"}};
  EXPECT_EQ(readiness(report), "Not whole: 1 node of 41 do not run there, first '/Resize' (Cannot get shape).");
}

TEST(Readiness, SaysWhereAccuracyIsLostThere) {
  auto report = whole();
  report.against_fp32.sqnr_db = 12.5;
  EXPECT_NE(readiness(report).find("loses accuracy there: 12.50 dB"), std::string::npos) << readiness(report);
}

TEST(Readiness, IsNotYesWhereNothingCanBeCompared) {
  auto report = whole();
  report.against_fp32.sqnr_db = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(readiness(report).find("not a number"), std::string::npos) << readiness(report);
}

TEST(ProviderSections, WrapLongCells) {
  ProviderReport reports[] = {whole()};
  reports[0].fallen_back = {{"/Resize", "Resize", std::string(300, 'x')}};
  const auto html = provider_sections(reports);
  EXPECT_NE(html.find("<td class=\"wide\">xxx"), std::string::npos);
  EXPECT_NE(html.find("<td>/Resize</td>"), std::string::npos);
}

TEST(Readiness, NamesAnArchitectureThatDoesNotCompile) {
  auto report = whole();
  report.contexts.emplace_back();
  report.contexts[1].arch = "81";
  report.contexts[1].reason = "no such SoC";
  EXPECT_NE(readiness(report).find("v81 does not compile (no such SoC)"), std::string::npos);
}

TEST(ProviderSections, AreEmptyWithoutProviders) { EXPECT_EQ(provider_sections({}), ""); }

TEST(ProviderSections, AskTheQuestionAndEscapeNames) {
  const ProviderReport reports[] = {whole()};
  const auto html = provider_sections(reports);
  for (const auto* text : {"Is it ready for the NPU?", "/head/&lt;Conv&gt;", "v75", "716.8 kB", "on the simulator"}) {
    EXPECT_NE(html.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(html.find("<Conv>"), std::string::npos);
}

TEST(ProviderJson, HoldsWhatWasMeasured) {
  const auto json = to_json(whole());
  EXPECT_EQ(json["name"], "qnn");
  EXPECT_EQ(json["against_fp32"]["sqnr_db"], 35.25);
  EXPECT_EQ(json["contexts"][0]["sqnr_db"], 35.0);
  EXPECT_FALSE(json.contains("fp32_milliseconds"));
  EXPECT_FALSE(json.contains("miou_labels"));
}

}  // namespace
}  // namespace quantize::test
