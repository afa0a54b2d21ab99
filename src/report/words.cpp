#include "report/words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "report/schema.h"

namespace quantize {
namespace words {
namespace {

// Of the two numbers that are equally near, the one farther from zero, as JavaScript's toFixed() takes it: the page says the same figures.
double off_a_tie(double value, int digits) {
  const double power = std::pow(10, digits), scaled = value * power;
  const bool is_tie = std::fabs(scaled - std::trunc(scaled)) == 0.5 && std::fma(value, power, -scaled) == 0;
  return is_tie ? std::nextafter(value, std::copysign(std::numeric_limits<double>::infinity(), value)) : value;
}

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
  const auto end = std::to_chars(text.data(), text.data() + text.size(), off_a_tie(value, digits), std::chars_format::fixed, digits).ptr;
  const std::string_view written(text.data(), end);
  const bool is_zero = written.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(written.substr(is_zero && written.starts_with('-') ? 1 : 0));
}

std::string miou(double share) { return fixed(share, 4); }

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

std::string compare_speed(const Latency& latency) {
  return compare_speed(latency.speedup) + (ratios_disagree(latency) ? " (median of the ratios in turn)" : "");
}

std::string compare_size(std::uint64_t before, std::uint64_t after) {
  if (before == 0 || after == 0) return "-";
  return compare(static_cast<double>(before) / static_cast<double>(after), same_size, "smaller", "larger", "the same size");
}

std::string times(const Latency& latency, const std::string& between) {
  const double before = latency.fp32.median_ms, after = latency.quantized.median_ms;
  const int digits = std::min(before, after) < 1 ? 3 : 1;
  return fixed(before, digits) + between + fixed(after, digits) + " ms";
}

bool ratios_disagree(const Latency& latency) {
  constexpr double tolerated = 1.2;
  const double of_medians = latency.fp32.median_ms / latency.quantized.median_ms, off = latency.speedup / of_medians;
  return off > tolerated || (off > 0 && off < 1 / tolerated);  // neither where something was not measured
}

std::string noisy_machine(const Report& report) {
  if (!report.latency || !ratios_disagree(*report.latency)) return {};
  const auto& [fp32, quantized, speedup, runs, threads] = *report.latency;
  const auto range = [](const LatencyFacts& facts) { return fixed(facts.p10_ms, 2) + " to " + fixed(facts.p90_ms, 2) + " ms"; };
  return "this machine is too noisy to time on: the median of the ratios in turn is " + fixed(speedup, 2) + ", the ratio of the medians " +
         fixed(fp32.median_ms / quantized.median_ms, 2) + "; FP32 took " + range(fp32) + ", the quantized model " + range(quantized) +
         " (the middle 80 % of " + count(static_cast<std::size_t>(runs), "run") + ")";
}

std::string slower_than_fp32(const Report& report) {
  if (!report.latency || !(report.latency->speedup < clearly_slower)) return {};
  const auto& latency = *report.latency;
  std::string text = "the quantized model is slower than FP32 on this machine: " + compare_speed(latency) + ", " + times(latency);
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

std::string fp32_fails_on_labels(const Accuracy& accuracy) {
  constexpr double hopeless = 0.1, next_to_it = 0.02;
  const auto& blind = accuracy.miou_one_class;
  const double floor = std::max(hopeless, blind ? *blind + next_to_it : 0);
  if (!accuracy.miou_fp32 || !(*accuracy.miou_fp32 < floor)) return {};
  return "FP32 itself reaches only " + miou(*accuracy.miou_fp32) + " mIoU on the labels" +
         (blind ? ", where one class all over reaches " + miou(*blind) : "") + ": check --preprocess, --color and the class numbers";
}

std::string worst_picture(const Accuracy& accuracy) {
  if (!accuracy.only_classes) return "PSNR " + decibels(accuracy.psnr_db_worst);
  const auto worst = std::ranges::find(accuracy.images, accuracy.worst_image, &ImageAccuracy::name);
  return percent(worst == accuracy.images.end() ? std::nan("") : worst->agreement) + " of the pixels as FP32";
}

std::string how_made(const Report& report) {
  const std::string scheme = report.scheme, time = fixed(report.seconds, 1) + " s";
  if (!was_only_evaluated(report)) return scheme + " for " + report.target + ", made in " + time;
  return scheme + ", evaluated on " + count(report.test.images, "picture") + " in " + time;
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

}  // namespace quantize
