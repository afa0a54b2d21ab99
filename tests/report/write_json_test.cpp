#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/sample_report.h"
#include "report/write_report.h"

namespace quantize {
namespace {

using Json = nlohmann::json;

Json written(const Report& report) { return Json::parse(write_json(report)); }

// What write_json must give for sample_report(), written by hand. tests/cli checks a whole run's report against data/report.schema.json.
const char* const expected = R"({
  "schema_version": 1, "version": "1.2.3", "onnx_version": "1.19.1", "onnxruntime_version": "1.32.0",
  "command": "quantize net.onnx --calib pictures", "machine": "2 cores", "seconds": 93, "scheme": "w8a8", "target": "ort-cpu",
  "verdict": {"level": "good", "headline": "Ready to ship",
    "reason": "97.52 % of the pixels keep their class, and mIoU against the labels falls by 0.0020."},
  "advice": [],
  "config": [{"name": "images", "value": "100"}, {"name": "seed", "value": "7"}],
  "fp32": {"path": "models/net.onnx", "fingerprint": "aa", "bytes": 4000000, "opset": 13, "nodes": 120},
  "quantized": {"path": "out/net_w8a8.onnx", "fingerprint": "bb", "bytes": 1000000, "opset": 21, "nodes": 300},
  "inputs": [{"name": "image", "type": "float", "shape": "1x3x4x4", "meaning": "pixels"}],
  "outputs": [{"name": "mask", "type": "uint8", "shape": "1x5x4x4", "meaning": "logits", "scale": 0.25, "zero_point": 7}],
  "calibration": {"folder": "pictures", "fingerprint": "cc", "images": 100, "skipped": ["broken.jpg: not a picture"]},
  "test": {"folder": "held_out", "fingerprint": "dd", "images": 2, "skipped": []},
  "sizes": [{"kind": "int8 weights", "fp32_bytes": 3900000, "quantized_bytes": 975000, "tensors": 55}],
  "latency": {"fp32": {"median_ms": 100, "p10_ms": 90, "p90_ms": 110}, "quantized": {"median_ms": 40, "p10_ms": 36, "p90_ms": 44},
    "speedup": 2.5, "runs": 20, "threads": 2},
  "memory": {"fp32_peak_bytes": 500000000, "quantized_peak_bytes": 200000000},
  "accuracy": {"psnr_db": 42.4, "psnr_db_worst": 31.25, "worst_image": "b.png", "sqnr_db": 26.3, "agreement": 0.9752, "flipped_margin": 0.0061, "miou_vs_fp32": 0.883,
    "miou_fp32": 0.399, "miou_quantized": 0.397, "miou_one_class": 0.125, "labels": {"all": 900, "void": 80, "beyond": 7}, "left_out": 0,
    "images": [{"name": "a.png", "psnr_db": 53.55, "sqnr_db": 30, "agreement": 0.99},
               {"name": "b.png", "psnr_db": 31.25, "sqnr_db": 20, "agreement": 0.96}],
    "other_outputs": [{"name": "aux", "sqnr_db": 22.5}]},
  "layers": [{"node": "/head/Conv", "op_type": "Conv", "tensor": "head_out", "sqnr_db": 12.5},
             {"node": "/stem/Conv", "op_type": "Conv", "tensor": "stem_out", "sqnr_db": 33}],
  "decisions": [{"node": "/stem/Conv", "op_type": "Conv", "quantized": true, "weights": "int8 per channel", "activations": "uint8",
                 "reason": "absorbed by the encoding of 'x'"},
                {"node": "/Shape", "op_type": "Shape", "quantized": false, "weights": "", "activations": "", "reason": "not numbers"}],
  "kernels": {"integer": 41, "float": 2, "conversions": 3, "floats": [{"node": "/up/Resize", "op_type": "Resize", "reason": "no kernel"}]},
  "placement": [{"what": "Resize quantized", "nodes": 4, "before_ms": 12.5, "after_ms": 11.5, "kept": true}],
  "histograms": [{"tensor": "head_out", "type": "uint8", "sqnr_db": 12.5, "first_edge": -1, "bin_width": 0.5, "counts": [1, 50, 100, 3],
                  "low": -0.75, "high": 0.5, "min": -0.9, "max": 0.95, "method": "mse"}],
  "steps": [{"name": "fold-batch-norm", "outcome": "55 folded, output moved by 3e-7", "seconds": 1.5},
            {"name": "fit-weights", "outcome": "55 layers", "seconds": 30, "sqnr_before_db": 27.25, "sqnr_after_db": 33.5}],
  "mixed": {"reached": true, "images": 3, "units": 21, "tried": 9,
    "reach": [{"figure": "psnr", "wanted": 40, "before": 36.5, "after": 41.5}], "cost": [{"figure": "size", "before": 0.26, "after": 0.28}],
    "raised": [{"kind": "activations", "name": "stem_out", "op_type": "Relu", "from": "A8", "to": "A16", "noise": 2e-4, "cost": 0.02}]},
  "pictures": [{"name": "a.png", "width": 2, "height": 1, "agreement": 0.5, "psnr_db": 53.55}],
  "gates": [{"option": "--min-psnr", "figure": "PSNR", "unit": "dB", "threshold": 40, "measured": 42.4, "passed": true},
            {"option": "--max-miou-drop", "figure": "loss of mIoU", "unit": "", "threshold": 0.01, "measured": 0.002, "passed": true}],
  "warnings": ["'head_out' is clipped", "the model has a subgraph"]
})";

TEST(WriteJson, WritesEveryField) { EXPECT_EQ(written(sample_report()), Json::parse(expected)); }

TEST(WriteJson, SaysOfAGateWhetherItWasMissedOrNotMeasuredAtAll) {
  const Json json = written(report_that_misses_a_gate());
  EXPECT_EQ(json["gates"][0]["passed"], false);
  EXPECT_EQ(json["gates"][1]["passed"], false);
  EXPECT_TRUE(json["gates"][1]["measured"].is_null());
  EXPECT_EQ(json["verdict"]["level"], "poor");
}

TEST(WriteJson, GivesTheSameBytesTwice) { EXPECT_EQ(write_json(sample_report()), write_json(sample_report())); }

TEST(WriteJson, WritesOneLinePerElement) {
  EXPECT_NE(write_json(sample_report()).find("\n    \"'head_out' is clipped\",\n    \"the model has a subgraph\"\n  ]"), std::string::npos);
}

TEST(WriteJson, LeavesOutWhatWasNotMeasured) {
  Report report = sample_report();
  report.latency.reset();
  report.memory.reset();
  report.mixed.reset();
  report.accuracy.miou_fp32.reset();
  report.accuracy.miou_quantized.reset();
  report.accuracy.labels.reset();
  const Json json = written(report);
  EXPECT_FALSE(json.contains("latency"));
  EXPECT_FALSE(json.contains("memory"));
  EXPECT_FALSE(json.contains("mixed"));
  EXPECT_FALSE(json["accuracy"].contains("miou_fp32"));
  EXPECT_FALSE(json["accuracy"].contains("miou_quantized"));
  EXPECT_FALSE(json["accuracy"].contains("labels"));
}

TEST(WriteJson, WritesInfiniteDecibelsAs999) {
  Report report = sample_report();
  report.accuracy.psnr_db = report.accuracy.psnr_db_worst = report.accuracy.sqnr_db = infinite;
  report.accuracy.images[0].psnr_db = report.accuracy.images[0].sqnr_db = infinite;
  report.layers[0].sqnr_db = -infinite;
  report.histograms[0].sqnr_db = infinite;
  report.pictures[0].psnr_db = infinite;
  const Json json = written(report);
  for (const char* path : {"/accuracy/psnr_db", "/accuracy/psnr_db_worst", "/accuracy/sqnr_db", "/accuracy/images/0/psnr_db",
                           "/accuracy/images/0/sqnr_db", "/histograms/0/sqnr_db", "/pictures/0/psnr_db"})
    EXPECT_EQ(json.at(Json::json_pointer(path)), 999) << path;
  EXPECT_EQ(json["layers"][0]["sqnr_db"], -999);
}

TEST(WriteJson, WritesWhatIsNoNumberAsNull) {
  Report report = sample_report();
  report.accuracy.agreement = not_a_number;
  report.accuracy.sqnr_db = not_a_number;
  report.latency->speedup = infinite;
  report.histograms[0].low = -infinite;
  const Json json = written(report);
  EXPECT_TRUE(json["accuracy"]["agreement"].is_null());
  EXPECT_TRUE(json["accuracy"]["sqnr_db"].is_null());
  EXPECT_TRUE(json["latency"]["speedup"].is_null());
  EXPECT_TRUE(json["histograms"][0]["low"].is_null());
}

TEST(WriteJson, ReplacesBytesThatAreNotUtf8) {
  Report report = sample_report();
  report.warnings = {"caf\xE9.jpg"};
  EXPECT_EQ(written(report)["warnings"][0], "caf\xEF\xBF\xBD.jpg");
}

TEST(WriteJson, WritesAnEmptyReport) {
  const Json json = written(Report{});
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["layers"], Json::array());
}

}  // namespace
}  // namespace quantize
