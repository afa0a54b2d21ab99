#include <algorithm>
#include <cmath>

#include "pipeline/stages.h"
#include "report/words.h"

namespace quantize {
namespace {

// "'a'", "'a' and 2 more".
std::string named(const std::vector<std::string>& names) {
  return "'" + names.front() + "'" + (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more" : "");
}

void warn_of_labels(const Accuracy& accuracy, const Options& options, Context& context) {
  if (options.labels.empty()) return;
  const std::string folder = options.labels.string();
  if (!accuracy.miou_fp32)
    context.warn("no pixel of the labels in " + folder + " is of a class that the model tells apart: there is no mIoU on labels");
  if (accuracy.labels && accuracy.labels->beyond > 0) {
    context.warn(std::to_string(accuracy.labels->beyond) + " of " + words::count(accuracy.labels->all, "pixel") + " of the labels in " +
                 folder + " have a number that is no class of the model, and do not count; if they are to be void, write them as 255");
  }
  if (const auto failing = words::fp32_fails_on_labels(accuracy); !failing.empty()) context.warn(failing);
}

// PSNR and SQNR are of the classes' numbers then, of which none is nearer to another.
void warn_of_classes(const Accuracy& accuracy, Context& context) {
  if (!accuracy.only_classes) return;
  context.warn(
      "the first output is the class of each pixel: agreement and mIoU are compared, PSNR and SQNR of the classes' numbers say little");
}

void warn_of_images(const Accuracy& accuracy, Context& context) {
  std::vector<std::string> without_reference, without_result;
  for (const auto& image : accuracy.images) {
    if (!image.compared) continue;
    if (std::isnan(image.agreement)) {
      without_reference.push_back(image.name);
    } else if (std::isnan(image.psnr_db)) {
      without_result.push_back(image.name);
    }
  }
  if (!without_reference.empty()) {
    context.warn("the FP32 model itself gives NaN for the test image " + named(without_reference) +
                 ", so that figures over all of them cannot be computed: leave it out of the test images, or look at the pre-processing");
  }
  if (!without_result.empty())
    context.warn("NaN or infinity comes out for the test image " + named(without_result) + ": figures over all of them cannot be computed");
  if (accuracy.left_out > 0) {
    const std::string of = accuracy.images.empty() ? "" : std::to_string(accuracy.left_out) + " of ";
    const std::size_t all = accuracy.images.empty() ? accuracy.left_out : accuracy.images.size();
    context.warn("the size of the first output depends on the values: for " + of + words::count(all, "test image") +
                 " it is empty or another than FP32's; no figure counts " + (accuracy.left_out == 1 ? "it" : "them"));
  }
}

void warn_of_outputs(const Accuracy& accuracy, Context& context) {
  constexpr double much_worse_db = 6, good_db = 25;
  for (const auto& output : accuracy.other_outputs) {
    if (std::isnan(accuracy.sqnr_db)) break;  // FP32 itself is likely to hold NaN, and there is nothing to compare with
    if (std::isnan(output.sqnr_db)) context.warn("output '" + output.name + "' could not be compared (NaN or infinity)");
    if (!(output.sqnr_db < std::min(accuracy.sqnr_db - much_worse_db, good_db))) continue;
    context.warn("output '" + output.name + "' comes out at " + words::decibels(output.sqnr_db) + " SQNR, the first one at " +
                 words::decibels(accuracy.sqnr_db) + ", which verdict and gates go by");
  }
}

}  // namespace

void warn_of_accuracy(const Accuracy& accuracy, const Options& options, Context& context) {
  warn_of_classes(accuracy, context);
  warn_of_labels(accuracy, options, context);
  warn_of_images(accuracy, context);
  warn_of_outputs(accuracy, context);
}

void warn_of_speed(const Report& report, Context& context) {
  for (const auto& text : {words::noisy_machine(report), words::slower_than_fp32(report)}) {
    if (!text.empty()) context.warn(text);
  }
}

}  // namespace quantize
