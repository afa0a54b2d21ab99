#include "report/gates.h"

#include <cmath>

#include "base/shortest.h"
#include "report/schema.h"

namespace quantize {
namespace {

// A threshold is shown as it was typed.
std::string shown(double value) {
  if (!std::isfinite(value)) return value > 0 ? "infinite" : "-";
  return shortest(value);
}

// With four digits behind the point, rounded so that a figure that misses its threshold does not read as if it met it.
std::string measured_as(const GateResult& gate, const std::string& unit) {
  const double figure = *gate.measured * 1e4;
  if (gate.unit == "dB" && *gate.measured >= no_error_db) return "without error";
  const double rounded = std::round(figure), outward = gate.at_least ? std::floor(figure) : std::ceil(figure);
  const bool exact = std::fabs(figure - rounded) < 1e-6;  // but for what binary fractions add to it
  return shown((gate.passed || exact ? rounded : outward) / 1e4) + unit;
}

std::optional<double> ratio(std::uint64_t before, std::uint64_t after) {
  if (before == 0 || after == 0) return std::nullopt;
  return static_cast<double>(before) / static_cast<double>(after);
}

// A figure of some of the images only is none of what was demanded: those that are missing may be the bad ones.
std::optional<double> of_images(const Accuracy& accuracy, double figure) {
  return accuracy.images.empty() || accuracy.left_out > 0 || std::isnan(figure) ? std::nullopt : std::optional(figure);
}

}  // namespace

bool Gates::any() const { return min_psnr || min_sqnr || min_agreement || min_miou || max_miou_drop || min_size_ratio || min_speedup; }

std::vector<GateResult> check_gates(const Gates& gates, const Report& report) {
  std::vector<GateResult> results;
  const auto check = [&](const char* option, const char* figure, const char* unit, bool at_least, const std::optional<double>& threshold,
                         const std::optional<double>& measured) {
    if (!threshold) return;
    const bool passed = measured && (at_least ? *measured >= *threshold : *measured <= *threshold);
    results.push_back({option, figure, unit, at_least, *threshold, measured, passed});
  };
  const auto& accuracy = report.accuracy;
  const bool measured = accuracy.miou_fp32 && accuracy.miou_quantized;
  const bool labelled = measured || accuracy.labels;  // labels of which no pixel counts do not make FP32 the truth
  std::optional<double> drop, miou;
  if (measured) {
    drop = of_images(accuracy, *accuracy.miou_fp32 - *accuracy.miou_quantized);
    miou = of_images(accuracy, *accuracy.miou_quantized);
  }
  if (!labelled) miou = of_images(accuracy, accuracy.miou_vs_fp32);
  check("--min-psnr", "PSNR", "dB", true, gates.min_psnr, of_images(accuracy, accuracy.psnr_db));
  check("--min-sqnr", "SQNR", "dB", true, gates.min_sqnr, of_images(accuracy, accuracy.sqnr_db));
  check("--min-agreement", "class agreement", "", true, gates.min_agreement, of_images(accuracy, accuracy.agreement));
  check("--min-miou", labelled ? "mIoU against the labels" : "mIoU against FP32", "", true, gates.min_miou, miou);
  check("--max-miou-drop", "loss of mIoU against the labels", "", false, gates.max_miou_drop, drop);
  check("--min-size-ratio", "size ratio", "x", true, gates.min_size_ratio, ratio(report.fp32.bytes, report.quantized.bytes));
  check("--min-speedup", "speed-up", "x", true, gates.min_speedup, report.latency ? std::optional(report.latency->speedup) : std::nullopt);
  return results;
}

std::string describe(const GateResult& gate) {
  const std::string unit = gate.unit.empty() ? "" : " " + gate.unit;
  const std::string figure = gate.measured ? "is " + measured_as(gate, unit) : "was not measured";
  return gate.figure + " " + figure + ", " + gate.option + " demands at " + (gate.at_least ? "least " : "most ") + shown(gate.threshold) +
         unit;
}

}  // namespace quantize
