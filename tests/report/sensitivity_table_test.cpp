#include "report/sensitivity_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace quantize {
namespace {

SensitivityTable sample_table() {
  SensitivityTable table;
  table.version = "1.2.3", table.command = "quantize sensitivity net.onnx", table.scheme = "w8a8", table.target = "ort-cpu";
  table.fp32 = {.path = "models/net.onnx", .fingerprint = "aa", .bytes = 0, .opset = 0, .nodes = 0};
  table.calibration = {.folder = "pictures", .fingerprint = "cc", .images = 80, .skipped = {}};
  table.samples = 4;
  table.rows = {{"weights", "conv</script>", "Conv", 8, 1e-5, 50, 60, 55, 0.999}, {"activations", "x", "input", 8, 1e-3, 30, 40, 35, 0.98}};
  return table;
}

TEST(SensitivityTable, JsonHoldsEveryRowInOrder) {
  const auto json = nlohmann::json::parse(write_json(sample_table()));
  EXPECT_EQ(json["model"]["fingerprint"], "aa");
  EXPECT_EQ(json["samples"], 4);
  EXPECT_EQ(json["rows"][1], nlohmann::json::parse(R"({"kind": "activations", "name": "x", "op_type": "input", "bits": 8, "noise": 1e-3,
    "sqnr_db": 30.0, "psnr_db": 40.0, "psnr_db_worst": 35.0, "agreement": 0.98})"));
}

TEST(SensitivityTable, TextBeginsWithTheMostSensitive) {
  const std::string all = write_text(sample_table(), 10), one = write_text(sample_table(), 1);
  EXPECT_LT(all.find("A8 input x"), all.find("W8 Conv conv"));
  EXPECT_EQ(one.find("W8 Conv"), std::string::npos);
  EXPECT_NE(one.find("1 less sensitive"), std::string::npos);
}

TEST(SensitivityTable, NamesCannotBreakOutOfThePage) {
  const std::string page = write_html(sample_table());
  EXPECT_EQ(page.find("conv</script>"), std::string::npos);
  EXPECT_NE(page.find("conv\\u003c/script>"), std::string::npos);
}

}  // namespace
}  // namespace quantize
