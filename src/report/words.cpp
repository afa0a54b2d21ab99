#include "report/words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "report/gates.h"
#include "report/schema.h"

namespace quantize {
namespace words {
namespace {

// Medians of the same model differ by about this much from one measurement to the next.
constexpr double same_speed = 0.02;

std::string compare(double ratio, double tolerance, const char* more, const char* less, const char* same) {
  if (!(ratio > 0)) return "-";
  if (std::abs(ratio - 1) < tolerance) return same;
  return fixed(ratio > 1 ? ratio : 1 / ratio, 2) + "x " + (ratio > 1 ? more : less);
}

// What the model costs of this kind, where a budget limits it.
const GoalFact* limited_cost(const Report& report, const std::string& figure) {
  if (!report.mixed) return nullptr;
  const auto fact = std::ranges::find(report.mixed->cost, figure, &GoalFact::figure);
  return fact != report.mixed->cost.end() && fact->wanted ? &*fact : nullptr;
}

}  // namespace

std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  std::array<char, 400> text{};  // the largest double has 309 digits before the point
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits).ptr;
  return {text.data(), end};
}

std::string percent(double share) {
  // The addend keeps 0.9752, which is stored as a little less, from becoming 97.51.
  return std::isfinite(share) ? fixed(std::floor(share * 1e4 + 1e-6) / 100, 2) + " %" : "-";
}

std::string decibels(double value) {
  if (value >= no_error_db) return "no error";
  return std::isnan(value) ? "-" : fixed(value, 2) + " dB";
}

std::string bytes(std::uint64_t count) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  // 999.95 is where one digit after the point would round up to 1000.0.
  for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000;
  return fixed(value, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string compare_speed(double speedup) { return compare(speedup, same_speed, "faster", "slower", "as fast"); }

std::string compare_size(std::uint64_t before, std::uint64_t after) {
  if (before == 0 || after == 0) return "-";
  return compare(static_cast<double>(before) / static_cast<double>(after), 0.005, "smaller", "larger", "the same size");
}

std::string times(const Latency& latency, const std::string& between) {
  const double before = latency.fp32.median_ms, after = latency.quantized.median_ms;
  const int digits = std::min(before, after) < 1 ? 3 : 1;
  return fixed(before, digits) + between + fixed(after, digits) + " ms";
}

std::string slower_than_fp32(const Report& report) {
  if (!report.latency || !(report.latency->speedup < clearly_slower)) return {};
  const auto& latency = *report.latency;
  std::string text = "the quantized model is slower than FP32 on this machine: " + compare_speed(latency.speedup) + ", " + times(latency);
  if (!report.kernels) return text;
  const auto& kernels = *report.kernels;
  return text + "; " + std::to_string(kernels.floating) + " of " + std::to_string(kernels.floating + kernels.integer) +
         " operators run in float, with " + count(static_cast<std::size_t>(kernels.conversions), "conversion") + " between them";
}

std::string over_latency_budget(const Report& report) {
  const auto* fact = limited_cost(report, "latency");
  if (fact == nullptr || !report.latency || !(report.latency->speedup > 0)) return {};
  const double measured = 1 / report.latency->speedup;
  if (!(measured * clearly_slower > *fact->wanted)) return {};
  return "--budget latency=" + fixed(*fact->wanted, 2) + " was kept by estimate (" + fixed(fact->after, 2) +
         "), but on this machine it is " + fixed(measured, 2) + " of FP32's; a lower budget raises fewer bits";
}

std::string over_size_budget(const Report& report) {
  const auto* fact = limited_cost(report, "size");
  if (fact == nullptr || report.fp32.bytes == 0) return {};
  const double share = static_cast<double>(report.quantized.bytes) / static_cast<double>(report.fp32.bytes);
  if (!(share > *fact->wanted)) return {};
  return "--budget size=" + fixed(*fact->wanted, 3) + " was kept by estimate, but the file is " + fixed(share, 3) +
         " of FP32's; a lower budget raises fewer bits";
}

std::string kernels(const Kernels& kernels) {
  return std::to_string(kernels.integer) + " integer, " + std::to_string(kernels.floating) + " float, " +
         count(static_cast<std::size_t>(kernels.conversions), "conversion");
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char letter) { return letter < 0x20 || letter == 0x7f; }, '?');
  return text;
}

std::string count(std::size_t number, const std::string& what) { return std::to_string(number) + " " + what + (number == 1 ? "" : "s"); }

}  // namespace words

namespace {

constexpr double good_agreement = 0.97, poor_agreement = 0.90;
constexpr double good_loss = 0.01, poor_loss = 0.03;

Verdict::Level level_of(const Accuracy& accuracy, double loss) {
  using enum Verdict::Level;
  // Written so that a figure that is not a number counts as poor.
  if (!(accuracy.agreement >= poor_agreement) || !(loss <= poor_loss)) return poor;
  return accuracy.agreement >= good_agreement && loss <= good_loss ? good : look;
}

// Of mIoU; nothing without labels of which a pixel counts.
std::optional<double> loss_by_labels(const Accuracy& accuracy) {
  if (!accuracy.miou_fp32 || !accuracy.miou_quantized) return std::nullopt;
  return *accuracy.miou_fp32 - *accuracy.miou_quantized;
}

std::string reason_of(const Accuracy& accuracy, const std::optional<double>& loss) {
  if (!std::isfinite(accuracy.agreement)) return "How many pixels keep their class could not be computed.";
  std::string text = words::percent(accuracy.agreement) + " of the pixels keep their class";
  if (accuracy.left_out > 0)
    text +=
        " in the images that could be compared, " + std::to_string(accuracy.compared()) + " of " + std::to_string(accuracy.images.size());
  if (!loss) return text + ".";
  if (std::abs(*loss) < 0.00005) return text + ", and mIoU against the labels stays the same.";
  return text + ", and mIoU against the labels " + (*loss < 0 ? "rises by " : "falls by ") + words::fixed(std::abs(*loss), 4) + ".";
}

// --calib random.
bool is_made_up(const Report& report) { return report.calibration.folder == "random" || report.test.folder == "random"; }

}  // namespace

Verdict::Level level_by_figures(const Report& report) {
  const Accuracy& accuracy = report.accuracy;
  if (accuracy.images.empty()) return Verdict::Level::look;
  return level_of(accuracy, loss_by_labels(accuracy).value_or(0));
}

Verdict judge_accuracy(const Report& report) {
  const Accuracy& accuracy = report.accuracy;
  if (accuracy.left_out > 0 && accuracy.images.empty())
    return {Verdict::Level::look, "Not measured", "The first outputs of the two models are empty or differ in size for every test image."};
  if (accuracy.images.empty())
    return {Verdict::Level::look, "Not measured", "No test images were given, so nothing is known about accuracy."};
  Verdict verdict{level_by_figures(report), {}, reason_of(accuracy, loss_by_labels(accuracy))};
  if (is_made_up(report)) verdict.reason += " The data was made up (random), which says little about real images.";
  if (verdict.level == Verdict::Level::good && (is_made_up(report) || accuracy.left_out > 0)) verdict.level = Verdict::Level::look;
  switch (verdict.level) {
    case Verdict::Level::good:
      verdict.headline = "Ready to ship";
      break;
    case Verdict::Level::look:
      verdict.headline = "Look before you ship";
      break;
    case Verdict::Level::poor:
      verdict.headline = "Do not ship";
      break;
  }
  return verdict;
}

Verdict judge(const Report& report) {
  Verdict verdict = judge_accuracy(report);
  const auto gate = std::ranges::find(report.gates, false, &GateResult::passed);
  std::string missed;
  if (gate != report.gates.end()) {
    missed = "A gate is missed: " + describe(*gate) + ". ";
  } else if (report.mixed && !report.mixed->reached) {
    missed = "What --reach asks for was not reached. ";
  }
  if (!missed.empty()) verdict = {Verdict::Level::poor, "Do not ship", missed + verdict.reason};
  return verdict;
}

std::string level_name(Verdict::Level level) {
  return level == Verdict::Level::good ? "good" : level == Verdict::Level::look ? "look" : "poor";
}

}  // namespace quantize
