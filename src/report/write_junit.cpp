#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "formats/dump.h"
#include "report/gates.h"
#include "report/page_template.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

// XML 1.0 has no way to write most control characters, and what is not UTF-8 is no XML.
std::string attribute(const std::string& name, std::string value) {
  using Json = nlohmann::json;
  value = Json::parse(dump(Json(value))).get<std::string>();
  std::replace_if(
      value.begin(), value.end(), [](unsigned char letter) { return letter < 0x20; }, ' ');
  return " " + name + "=\"" + escape_html(value) + "\"";
}

std::string property(const std::string& name, const std::string& value) {
  return "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
}

std::string properties(const Report& report) {
  std::string text = property("size", words::compare_size(report.fp32.bytes, report.quantized.bytes));
  if (!report.accuracy.images.empty()) {
    text += property("psnr", words::decibels(report.accuracy.psnr_db)) + property("sqnr", words::decibels(report.accuracy.sqnr_db)) +
            property("agreement", words::percent(report.accuracy.agreement)) +
            property("miou_vs_fp32", words::miou(report.accuracy.miou_vs_fp32));
  }
  if (report.accuracy.miou_quantized) text += property("miou", words::miou(*report.accuracy.miou_quantized));
  if (report.latency) text += property("speed", words::compare_speed(report.latency->speedup));
  return "    <properties>\n" + text + "    </properties>\n";
}

// Where two models are only compared, nothing is decided about nodes.
std::string what_was_done(const Report& report) { return was_only_evaluated(report) ? "compared with FP32" : "quantized and verified"; }

}  // namespace

std::string write_junit(const Report& report) {
  const std::string suite = "quantize." + std::filesystem::path(report.quantized.path).filename().string();
  std::size_t missed = 0;
  std::string cases = "    <testcase" + attribute("classname", suite) + attribute("name", what_was_done(report)) +
                      attribute("time", words::fixed(report.seconds, 3)) + "/>\n";
  for (const auto& gate : report.gates) {
    cases += "    <testcase" + attribute("classname", suite) + attribute("name", gate.option) + attribute("time", "0");
    if (gate.passed) {
      cases += "/>\n";
      continue;
    }
    ++missed;
    cases += ">\n      <failure" + attribute("message", describe(gate)) + "/>\n    </testcase>\n";
  }
  const std::string counts = attribute("tests", std::to_string(report.gates.size() + 1)) + attribute("failures", std::to_string(missed)) +
                             attribute("errors", "0") + attribute("time", words::fixed(report.seconds, 3));
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n  <testsuite" + attribute("name", suite) + counts +
         ">\n" + properties(report) + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace quantize
