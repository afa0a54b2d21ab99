// A small report in which every field has a value of its own, so that a test sees when two are mixed up.
#pragma once

#include <limits>

#include "report/report.h"

namespace quantize {

inline Report sample_report() {
  Report report;
  report.version = "1.2.3", report.onnx_version = "1.19.1", report.onnxruntime_version = "1.32.0";
  report.command = "quantize net.onnx --calib pictures", report.machine = "2 cores";
  report.config = {{"images", "100"}, {"seed", "7"}};
  report.scheme = "w8a8", report.target = "ort-cpu";
  report.fp32 = {.path = "models/net.onnx", .fingerprint = "aa", .bytes = 4'000'000, .opset = 13, .nodes = 120};
  report.quantized = {.path = "out/net_w8a8.onnx", .fingerprint = "bb", .bytes = 1'000'000, .opset = 21, .nodes = 300};
  report.inputs = {{.name = "image", .type = "float", .shape = "1x3x4x4", .meaning = "pixels", .scale = {}, .zero_point = {}}};
  report.outputs = {{.name = "mask", .type = "uint8", .shape = "1x5x4x4", .meaning = "logits", .scale = 0.25, .zero_point = 7}};
  report.calibration = {.folder = "pictures", .fingerprint = "cc", .images = 100, .skipped = {"broken.jpg: not a picture"}};
  report.test = {.folder = "held_out", .fingerprint = "dd", .images = 2, .skipped = {}};
  report.sizes = {{.kind = "int8 weights", .fp32_bytes = 3'900'000, .quantized_bytes = 975'000, .tensors = 55}};
  report.latency = {.fp32 = {.median_ms = 100, .p10_ms = 90, .p90_ms = 110},
                    .quantized = {.median_ms = 40, .p10_ms = 36, .p90_ms = 44},
                    .speedup = 2.5,
                    .runs = 20,
                    .threads = 2};
  report.memory = {.fp32_peak_bytes = 500'000'000, .quantized_peak_bytes = 200'000'000};
  report.accuracy = {.psnr_db = 42.4,
                     .psnr_db_worst = 31.25,
                     .worst_image = "b.png",
                     .sqnr_db = 26.3,
                     .agreement = 0.9752,
                     .flipped_margin = 0.0061,
                     .miou_vs_fp32 = 0.883,
                     .miou_fp32 = 0.399,
                     .miou_quantized = 0.397,
                     .miou_one_class = 0.125,
                     .labels = LabelPixels{.all = 900, .none = 80, .beyond = 7},
                     .images = {{.name = "a.png", .psnr_db = 53.55, .sqnr_db = 30, .agreement = 0.99},
                                {.name = "b.png", .psnr_db = 31.25, .sqnr_db = 20, .agreement = 0.96}},
                     .other_outputs = {{.name = "aux", .sqnr_db = 22.5}}};
  report.layers = {{.node = "/head/Conv", .op_type = "Conv", .tensor = "head_out", .sqnr_db = 12.5},
                   {.node = "/stem/Conv", .op_type = "Conv", .tensor = "stem_out", .sqnr_db = 33}};
  report.decisions = {
      {.node = "/stem/Conv",
       .op_type = "Conv",
       .quantized = true,
       .weights = "int8 per channel",
       .activations = "uint8",
       .reason = "absorbed by the encoding of 'x'"},
      {.node = "/Shape", .op_type = "Shape", .quantized = false, .weights = "", .activations = "", .reason = "not numbers"}};
  report.kernels = {
      .integer = 41, .floating = 2, .conversions = 3, .floats = {{.node = "/up/Resize", .op_type = "Resize", .reason = "no kernel"}}};
  report.placement = {{.what = "Resize quantized", .nodes = 4, .before_ms = 12.5, .after_ms = 11.5, .kept = true}};
  report.histograms = {{.tensor = "head_out",
                        .type = "uint8",
                        .sqnr_db = 12.5,
                        .first_edge = -1,
                        .bin_width = 0.5,
                        .counts = {1, 50, 100, 3},
                        .low = -0.75,
                        .high = 0.5,
                        .min = -0.9,
                        .max = 0.95,
                        .method = "mse"}};
  report.steps = {{.name = "fold-batch-norm", .outcome = "55 folded, output moved by 3e-7", .seconds = 1.5},
                  {.name = "fit-weights", .outcome = "55 layers", .seconds = 30, .sqnr_before_db = 27.25, .sqnr_after_db = 33.5}};
  report.mixed = {
      .reached = true,
      .images = 3,
      .units = 21,
      .tried = 9,
      .reach = {{.figure = "psnr", .wanted = 40, .before = 36.5, .after = 41.5}},
      .cost = {{.figure = "size", .wanted = {}, .before = 0.26, .after = 0.28}},
      .raised = {{.kind = "activations", .name = "stem_out", .op_type = "Relu", .from = "A8", .to = "A16", .noise = 2e-4, .cost = 0.02}}};
  report.gates = {
      {.option = "--min-psnr", .figure = "PSNR", .unit = "dB", .at_least = true, .threshold = 40, .measured = 42.4, .passed = true},
      {.option = "--max-miou-drop",
       .figure = "loss of mIoU",
       .unit = "",
       .at_least = false,
       .threshold = 0.01,
       .measured = 0.002,
       .passed = true}};
  report.pictures = {{.name = "a.png",
                      .width = 2,
                      .height = 1,
                      .agreement = 0.5,
                      .psnr_db = 53.55,
                      .picture = {'M', 'a', 'n'},
                      .fp32_overlay = {'M', 'a'},
                      .quantized_overlay = {'M'},
                      .difference = {}}};
  report.warnings = {"'head_out' is clipped", "the model has a subgraph"};
  report.seconds = 93;
  return report;
}

// The same, and it does not do what was demanded.
inline Report report_that_misses_a_gate() {
  Report report = sample_report();
  report.gates[0].threshold = 45, report.gates[0].passed = false;
  report.gates[1].measured.reset(), report.gates[1].passed = false;
  return report;
}

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace quantize
