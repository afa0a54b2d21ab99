#include <algorithm>
#include <filesystem>

#include "report/gates.h"
#include "report/verdict.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

constexpr std::size_t layers_named = 5;

// A node's name must not end the cell, start mark-up or steer a terminal.
std::string code(const std::string& text) {
  std::string safe = text;
  std::replace(safe.begin(), safe.end(), '`', '\'');
  std::replace(safe.begin(), safe.end(), '\n', ' ');
  safe = words::printable(std::move(safe));
  std::string cell;
  for (const char letter : safe) cell += letter == '|' ? std::string("\\|") : std::string(1, letter);
  return "`" + cell + "`";
}

std::string row(const std::string& label, const std::string& text) { return "| " + label + " | " + text + " |\n"; }

std::string figures(const Report& report) {
  const auto& accuracy = report.accuracy;
  std::string text = "| figure | value |\n|---|---|\n" +
                     row("size", words::compare_size(report.fp32.bytes, report.quantized.bytes) + " (" + words::bytes(report.fp32.bytes) +
                                     " to " + words::bytes(report.quantized.bytes) + ")");
  if (report.latency) {
    text += row("speed", words::compare_speed(*report.latency) + " (" + words::times(*report.latency, " to ") + ")");
  }
  if (accuracy.images.empty()) return text;
  const std::string of = accuracy.only_classes ? " of the classes' numbers" : "";  // which say little then, and come last
  const std::string errors =
      row("PSNR" + of, words::decibels(accuracy.psnr_db) + " (worst picture " + words::decibels(accuracy.psnr_db_worst) + ")") +
      row("SQNR" + of, words::decibels(accuracy.sqnr_db));
  if (!accuracy.only_classes) text += errors;
  text += row("class agreement", words::percent(accuracy.agreement)) + row("mIoU against FP32", words::miou(accuracy.miou_vs_fp32));
  if (accuracy.miou_fp32 && accuracy.miou_quantized) {
    text += row("mIoU against the labels", words::miou(*accuracy.miou_fp32) + " to " + words::miou(*accuracy.miou_quantized));
  }
  return accuracy.only_classes ? text + errors : text;
}

std::string gates(const Report& report) {
  if (report.gates.empty()) return {};
  std::string text = "\n| gate | outcome |\n|---|---|\n";
  for (const auto& gate : report.gates) text += row(code(gate.option), (gate.passed ? "passed: " : "**missed**: ") + describe(gate));
  return text;
}

std::string layers(const Report& report) {
  if (report.layers.empty()) return {};
  std::string text = "\n| worst layers | SQNR |\n|---|---|\n";
  for (std::size_t i = 0; i < std::min(layers_named, report.layers.size()); ++i) {
    const auto& layer = report.layers[i];
    text += row(code(layer.node) + " (" + layer.op_type + ")", words::decibels(layer.sqnr_db));
  }
  return text;
}

// Only steps that were judged.
std::string steps(const Report& report) {
  std::string text;
  for (const auto& step : report.steps) {
    if (!step.sqnr_before_db || !step.sqnr_after_db) continue;
    text += row(code(step.name), words::decibels(*step.sqnr_before_db) + " to " + words::decibels(*step.sqnr_after_db));
  }
  return text.empty()
             ? text
             : "\n| step | SQNR before and after, on calibration pictures (each with what is quantized by then) |\n|---|---|\n" + text;
}

}  // namespace

std::string write_markdown(const Report& report) {
  const Verdict verdict = judge(report);
  std::string text = "## " + code(std::filesystem::path(report.quantized.path).filename().string()) + ": " + verdict.headline + "\n\n" +
                     verdict.reason + " Scheme " + words::how_made(report) + " by quantize " + report.version + ".\n\n" + figures(report) +
                     gates(report) + layers(report) + steps(report);
  for (const auto& warning : report.warnings)
    text += (&warning == &report.warnings.front() ? "\nWarnings:\n\n- " : "- ") + code(warning) + "\n";
  return text;
}

}  // namespace quantize
