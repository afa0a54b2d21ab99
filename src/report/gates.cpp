#include "report/gates.h"

#include <array>
#include <charconv>
#include <cmath>

#include "report/schema.h"
#include "report/words.h"

namespace quantize {
namespace {

// All digits, as a threshold was typed and never as "3e-04".
std::string exactly(double value) {
  if (!std::isfinite(value)) return value > 0 ? "infinite" : "-";
  std::array<char, 400> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr};
}

std::string unit_of(const GateResult& gate) { return gate.unit == "dB" ? " dB" : gate.unit; }

// As the figure is said everywhere else.
std::string shown(const GateResult& gate, double value) {
  if (gate.unit == "dB") return value >= no_error_db ? "without error" : words::decibels(value);
  if (gate.unit == "x") return words::fixed(value, 2) + gate.unit;
  return gate.option == "--min-agreement" ? words::percent(value) : words::miou(value);
}

// A figure that misses its threshold by less than its digits show must not read as if it met it.
std::string measured_as(const GateResult& gate) {
  const std::string text = shown(gate, *gate.measured);
  const bool reads_as_met = !gate.passed && text == shown(gate, gate.threshold);
  return text + (reads_as_met ? " (to be exact, " + exactly(*gate.measured) + ")" : "");
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
  const std::string figure = gate.measured ? "is " + measured_as(gate) : "was not measured";
  return gate.figure + " " + figure + ", " + gate.option + " demands at " + (gate.at_least ? "least " : "most ") + exactly(gate.threshold) +
         unit_of(gate);
}

}  // namespace quantize
