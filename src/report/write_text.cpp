#include <algorithm>
#include <filesystem>

#include "report/advice.h"
#include "report/provider_page.h"
#include "report/verdict.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

constexpr std::size_t layers_named = 3;

std::string line(const std::string& label, const std::string& text) {
  std::string padded = label;
  if (padded.size() < 10) {
    padded.resize(10, ' ');
  } else {
    padded += ' ';
  }
  return words::printable(padded + text) + "\n";
}

std::string speed(const Report& report) {
  if (!report.latency) return line("Speed", "not measured");
  const Latency& latency = *report.latency;
  std::string text = words::compare_speed(latency) + ": " + words::times(latency) + " (median of " +
                     words::count(static_cast<std::size_t>(latency.runs), "run") + ", " + words::count(latency.threads, "thread") + ")";
  const bool for_npu = report.scheme.ends_with("a16");
  if (for_npu && latency.speedup < 1) text += "; " + report.scheme + " is made for NPUs, a CPU computes it in float";
  return line("Speed", text);
}

std::string memory(const Report& report) {
  if (!report.memory) return {};
  return line("Memory",
              words::bytes(report.memory->fp32_peak_bytes) + " -> " + words::bytes(report.memory->quantized_peak_bytes) + " at the peak");
}

std::string quality(const Accuracy& accuracy) {
  if (accuracy.images.empty()) return {};
  const bool classes = accuracy.only_classes;  // which come first then: errors of their numbers say little
  const std::string errors =
      line("Quality", "PSNR " + words::decibels(accuracy.psnr_db) + ", SQNR " + words::decibels(accuracy.sqnr_db) +
                          (classes ? " of the classes' numbers" : "") + " over " + words::count(accuracy.compared(), "image"));
  const std::string by_margin = classes ? "" : " (" + words::percent(1 - accuracy.flipped_margin) + " by margin)";
  const std::string same = line("Classes", words::percent(accuracy.agreement) + " of the pixels as FP32" + by_margin +
                                               ", mIoU against FP32 " + words::miou(accuracy.miou_vs_fp32));
  std::string text = classes ? same : errors + same;
  if (accuracy.miou_fp32 && accuracy.miou_quantized)
    text += line("Labels", "mIoU " + words::miou(*accuracy.miou_fp32) + " -> " + words::miou(*accuracy.miou_quantized));
  if (classes) text += errors;
  for (const auto& output : accuracy.other_outputs) {
    text += line(&output == &accuracy.other_outputs.front() ? "Others" : "",
                 "output " + output.name + ", SQNR " + words::decibels(output.sqnr_db));
  }
  if (!accuracy.worst_image.empty()) text += line("Worst", accuracy.worst_image + ", " + words::worst_picture(accuracy));
  return text;
}

std::string layers(const Report& report) {
  std::string text;
  for (std::size_t index = 0; index < std::min(layers_named, report.layers.size()); ++index) {
    const LayerAccuracy& layer = report.layers[index];
    text += line(index == 0 ? "Layers" : "", layer.node + " (" + layer.op_type + ") " + words::decibels(layer.sqnr_db));
  }
  return text;
}

// Nothing where two models were only compared: what was decided about their nodes is not known.
std::string nodes(const Report& report) {
  if (was_only_evaluated(report)) return {};
  const auto quantized = std::ranges::count(report.decisions, true, &NodeDecision::quantized);
  return line("Nodes", std::to_string(quantized) + " of " + std::to_string(report.decisions.size()) + " quantized");
}

std::string kernels(const Report& report) {
  if (!report.kernels) return {};
  return line("Kernels", words::kernels(*report.kernels) + " in ONNX Runtime");
}

std::string providers(const Report& report) {
  std::string text;
  for (const auto& provider : report.providers) text += line("On " + provider.name, readiness(provider));
  return text;
}

std::string warnings(const Report& report) {
  if (report.warnings.empty()) return line("Warnings", "none");
  return line("Warnings", std::to_string(report.warnings.size()) + ", the first: " + report.warnings.front());
}

std::string next(const Report& report) {
  const auto advice = advise(report);
  return advice.empty() ? "" : line("Next", advice.front().command);
}

}  // namespace

std::string write_text(const Report& report) {
  const Verdict verdict = judge(report);
  return line("Model", std::filesystem::path(report.quantized.path).filename().string() + ", " + words::how_made(report)) +
         line("Verdict", verdict.headline + ". " + verdict.reason) +
         line("Size", words::compare_size(report.fp32.bytes, report.quantized.bytes) + ": " + words::bytes(report.fp32.bytes) + " -> " +
                          words::bytes(report.quantized.bytes)) +
         speed(report) + memory(report) + quality(report.accuracy) + layers(report) + nodes(report) + kernels(report) + providers(report) +
         warnings(report) + next(report);
}

}  // namespace quantize
