#include "report/read_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/error.h"
#include "report/sample_report.h"
#include "report/verdict.h"
#include "report/write_report.h"

namespace quantize {
namespace {

std::string refusal(const std::string& json) {
  try {
    parse_report(json, "run.report.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    return error.what();
  }
  return "accepted";
}

std::string with(std::string json, const std::string& from, const std::string& to) {
  return json.replace(json.find(from), from.size(), to);
}

TEST(ReadReport, GivesBackEveryField) {
  const std::string json = write_json(sample_report());
  EXPECT_EQ(write_json(parse_report(json, "x")), json);
  EXPECT_EQ(parse_report(json, "x").steps[1].sqnr_after_db, 33.5);
}

TEST(ReadReport, KeepsWhatWasNotMeasuredUnmeasured) {
  Report report = sample_report();
  report.latency.reset();
  report.memory.reset();
  report.accuracy.miou_fp32.reset();
  report.accuracy.miou_quantized.reset();
  const Report back = parse_report(write_json(report), "x");
  EXPECT_FALSE(back.latency || back.memory || back.accuracy.miou_fp32 || back.accuracy.miou_quantized);
}

TEST(ReadReport, RestoresInfinityAndWhatIsNoNumber) {
  Report report = sample_report();
  report.accuracy.psnr_db = infinite;
  report.layers[0].sqnr_db = -infinite;
  report.accuracy.agreement = not_a_number;
  const Report back = parse_report(write_json(report), "x");
  EXPECT_EQ(back.accuracy.psnr_db, infinite);
  EXPECT_EQ(back.layers[0].sqnr_db, -infinite);
  EXPECT_TRUE(std::isnan(back.accuracy.agreement));
}

TEST(ReadReport, GivesTheVerdictOfTheRunWhereImagesWereLeftOut) {
  Report report = sample_report();
  report.accuracy.images.push_back({"c.png", not_a_number, not_a_number, not_a_number, false});
  report.accuracy.left_out = 1;
  const std::string json = write_json(report);
  const Report back = parse_report(json, "x");
  EXPECT_EQ(write_json(back), json);
  EXPECT_EQ(judge(back).headline, "Look before you ship");
  EXPECT_EQ(judge(back).reason, judge(report).reason);
  EXPECT_TRUE(back.accuracy.images[0].compared);
  EXPECT_FALSE(back.accuracy.images[2].compared);
  ASSERT_TRUE(back.accuracy.labels);
  EXPECT_EQ(back.accuracy.labels->none, 80U);
  report.accuracy.images.clear();
  EXPECT_EQ(judge(parse_report(write_json(report), "x")).reason, judge(report).reason) << "of all, nothing is known";
}

TEST(ReadReport, TakesReportsThatDoNotSayWhatWasLeftOut) {
  const std::string json = write_json(sample_report());
  const Report back = parse_report(with(with(json, R"("left_out":0,)", ""), R"("labels":)", R"("unknown":)"), "x");
  EXPECT_EQ(back.accuracy.left_out, 0U);
  EXPECT_FALSE(back.accuracy.labels);
}

TEST(ReadReport, RefusesWhatIsNoReportAndSaysWhy) {
  const std::string json = write_json(sample_report());
  EXPECT_NE(refusal("not JSON").find("run.report.json is not a report of quantize: it does not hold a JSON object"), std::string::npos);
  EXPECT_NE(refusal("{}").find("it has no schema_version"), std::string::npos);
  EXPECT_NE(refusal(with(json, "\"schema_version\": 1", "\"schema_version\": 2")).find("follows version 2"), std::string::npos);
  EXPECT_NE(refusal(with(json, "\"machine\"", "\"engine\"")).find("machine"), std::string::npos);
  EXPECT_NE(refusal(with(json, "\"seconds\": 93.0", "\"seconds\": \"long\"")).find("number"), std::string::npos);
  EXPECT_THROW(read_report("/nonexistent/report.json"), Error);
}

TEST(ReadReport, KnowsThatOutputsAreClasses) {
  Report report = sample_report();
  EXPECT_FALSE(parse_report(write_json(report), "x").accuracy.only_classes);
  report.accuracy.only_classes = true;
  EXPECT_TRUE(parse_report(write_json(report), "x").accuracy.only_classes);
}

TEST(ReadReport, IgnoresFieldsItDoesNotKnow) {
  const std::string json = write_json(sample_report());
  EXPECT_EQ(write_json(parse_report(with(json, "\"machine\"", "\"later\": [1], \"machine\""), "x")), json);
}

}  // namespace
}  // namespace quantize
