#include "report/verdict.h"

#include <algorithm>
#include <cmath>

#include "report/gates.h"
#include "report/words.h"

namespace quantize {
namespace {

constexpr double good_agreement = 0.97, poor_agreement = 0.90;
constexpr double good_loss = 0.01, poor_loss = 0.03;
constexpr double bad_picture_db = 30;

std::string headline_of(Verdict::Level level) {
  return level == Verdict::Level::good ? "Ready to ship" : level == Verdict::Level::look ? "Look before you ship" : "Do not ship";
}

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
  const std::string change = words::miou(std::abs(*loss));
  if (change == words::miou(0)) return text + ", and mIoU against the labels stays the same.";
  return text + ", and mIoU against the labels " + (*loss < 0 ? "rises by " : "falls by ") + change + ".";
}

// Means hide a picture that went wrong. Empty where none did.
std::string bad_picture(const Accuracy& accuracy) {
  const auto worst = std::ranges::find(accuracy.images, accuracy.worst_image, &ImageAccuracy::name);
  if (worst == accuracy.images.end()) return {};
  const bool is_fine = accuracy.only_classes ? worst->agreement >= poor_agreement : accuracy.psnr_db_worst >= bad_picture_db;
  return is_fine ? "" : "The worst picture, " + accuracy.worst_image + ", has " + words::worst_picture(accuracy) + ".";
}

// --calib random.
std::string made_up(const Report& report) {
  const bool is_random = report.calibration.folder == "random" || report.test.folder == "random";
  return is_random ? "The data was made up (random), which says little about real images." : "";
}

// What 8 bits on a CPU are for. The schemes with 16-bit activations are for NPUs, whose speed is not known here.
std::string gains_nothing(const Report& report) {
  if (report.scheme != "w8a8" || report.target != "ort-cpu" || !report.latency || report.quantized.bytes == 0) return {};
  const double ratio = static_cast<double>(report.fp32.bytes) / static_cast<double>(report.quantized.bytes);
  if (ratio >= 1 + words::same_size || !(report.latency->speedup < 1 + words::same_speed)) return {};
  return "Beside FP32 it is " + words::compare_size(report.fp32.bytes, report.quantized.bytes) + " and " +
         words::compare_speed(*report.latency) + " on this machine: nothing is gained.";
}

// No better than a look from here on, unless there is no reason.
void doubt(Verdict& verdict, const std::string& reason) {
  if (reason.empty()) return;
  verdict.reason += " " + reason;
  if (verdict.level != Verdict::Level::good) return;
  verdict.level = Verdict::Level::look;
  verdict.headline = headline_of(verdict.level);
}

}  // namespace

Verdict::Level level_by_figures(const Report& report) {
  const Accuracy& accuracy = report.accuracy;
  if (accuracy.images.empty()) return Verdict::Level::look;
  const auto level = level_of(accuracy, loss_by_labels(accuracy).value_or(0));
  return level == Verdict::Level::good && !bad_picture(accuracy).empty() ? Verdict::Level::look : level;
}

Verdict judge_accuracy(const Report& report) {
  const Accuracy& accuracy = report.accuracy;
  if (accuracy.left_out > 0 && accuracy.images.empty())
    return {Verdict::Level::look, "Not measured", "The first outputs of the two models are empty or differ in size for every test image."};
  if (accuracy.images.empty())
    return {Verdict::Level::look, "Not measured", "No test images were given, so nothing is known about accuracy."};
  auto level = level_by_figures(report);
  if (level == Verdict::Level::good && accuracy.left_out > 0) level = Verdict::Level::look;
  Verdict verdict{level, headline_of(level), reason_of(accuracy, loss_by_labels(accuracy))};
  doubt(verdict, bad_picture(accuracy));
  const std::string failing = words::fp32_fails_on_labels(accuracy);
  doubt(verdict, failing.empty() ? "" : failing + ".");
  doubt(verdict, made_up(report));
  return verdict;
}

Verdict judge(const Report& report) {
  Verdict verdict = judge_accuracy(report);
  doubt(verdict, gains_nothing(report));
  const auto gate = std::ranges::find(report.gates, false, &GateResult::passed);
  std::string missed;
  if (gate != report.gates.end()) {
    missed = "A gate is missed: " + describe(*gate) + ". ";
  } else if (report.mixed && !report.mixed->reached) {
    missed = "What --reach asks for was not reached. ";
  }
  if (!missed.empty()) verdict = {Verdict::Level::poor, headline_of(Verdict::Level::poor), missed + verdict.reason};
  return verdict;
}

std::string level_name(Verdict::Level level) {
  return level == Verdict::Level::good ? "good" : level == Verdict::Level::look ? "look" : "poor";
}

}  // namespace quantize
