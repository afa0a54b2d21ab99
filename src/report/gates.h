// GATES: figures a pipeline demands of a result. A missed gate does not undo the result; it decides the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report.h"

namespace quantize {

struct Gates {
  std::optional<double> min_psnr = std::nullopt;        // decibel, over the test images
  std::optional<double> min_sqnr = std::nullopt;        // likewise
  std::optional<double> min_agreement = std::nullopt;   // share of pixels with FP32's class
  std::optional<double> min_miou = std::nullopt;        // against the labels; where none were given, against FP32
  std::optional<double> max_miou_drop = std::nullopt;   // FP32's mIoU minus the quantized model's, against the labels
  std::optional<double> min_size_ratio = std::nullopt;  // FP32 / quantized
  std::optional<double> min_speedup = std::nullopt;     // FP32 / quantized

  [[nodiscard]] bool any() const;
};

// One row per gate that is set, in the order above. A figure that was not measured misses its gate, and
// so do those of accuracy where test images were left out of them.
std::vector<GateResult> check_gates(const Gates& gates, const Report& report);

// "PSNR is 42.40 dB, --min-psnr demands at least 50 dB"; the figure with the digits it has everywhere, the threshold as it was typed.
std::string describe(const GateResult& gate);

}  // namespace quantize
