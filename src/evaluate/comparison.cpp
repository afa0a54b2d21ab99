#include "evaluate/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"

namespace quantize {

Comparisons::Comparisons(std::size_t samples) : each_(samples), mutex_(std::make_unique<std::mutex>()) {}

void Comparisons::add(std::size_t sample, const Tensor& fp32, const Tensor& other, ClassAxis axis) {
  if (fp32.shape != other.shape)
    throw Error(ErrorKind::verification, "output shapes differ: FP32 " + to_string(fp32.shape) + ", quantized " + to_string(other.shape));
  const ClassMap truth = classes_of(fp32, axis), guess = classes_of(other, axis);
  auto& result = each_[sample];
  result = {Energy::of(float_values(fp32), float_values(other)), agreement(truth, guess), truth.classes.size(),
            MarginLoss::of(truth, guess, margins_of(fp32, axis))};
  if (std::isnan(result.energy.signal)) result.agreement = result.flips.all = std::nan("");  // there is nothing to agree with
  Confusion confusion(class_count(fp32, axis));
  confusion.add(truth, guess);
  const std::lock_guard lock(*mutex_);
  only_classes_ = !is_float(fp32.type);
  if (confusion_) {
    confusion_->add(confusion);
  } else {
    confusion_ = std::move(confusion);
  }
}

Accuracy Comparisons::summarize(std::span<const std::string> names) const {
  Accuracy accuracy;
  Energy all;
  double same = 0;
  std::size_t pixels = 0;
  MarginLoss flips;
  std::vector<double> psnr;
  for (std::size_t i = 0; i < each_.size(); ++i) {
    const auto& [energy, share, count, loss, compared] = each_[i];
    if (!compared) {
      constexpr double none = std::numeric_limits<double>::quiet_NaN();
      accuracy.images.push_back({names[i], none, none, none, false});
      ++accuracy.left_out;
      continue;
    }
    accuracy.images.push_back({names[i], energy.psnr_db(), energy.sqnr_db(), share});
    psnr.push_back(energy.psnr_db());
    all.add(energy);
    same += share * static_cast<double>(count);
    pixels += count;
    flips.add(loss);
  }
  if (psnr.empty()) {
    accuracy.images.clear();
    return accuracy;
  }
  accuracy.psnr_db = mean_db(psnr);
  accuracy.only_classes = only_classes_;
  accuracy.psnr_db_worst = *std::ranges::min_element(psnr, is_worse_db);
  const auto is_worse = [&](const ImageAccuracy& a, const ImageAccuracy& b) {
    if (!a.compared || !b.compared) return a.compared;
    return only_classes_ ? a.agreement < b.agreement : is_worse_db(a.psnr_db, b.psnr_db);
  };
  accuracy.worst_image = std::ranges::min_element(accuracy.images, is_worse)->name;
  accuracy.sqnr_db = all.sqnr_db();
  accuracy.agreement = same / static_cast<double>(pixels);
  accuracy.flipped_margin = flips.share();
  accuracy.miou_vs_fp32 = std::isnan(accuracy.agreement) ? accuracy.agreement : confusion_->mean_iou().value_or(std::nan(""));
  return accuracy;
}

FreeSizes::FreeSizes(const Session& fp32, const Session& other) : fp32_(fp32.outputs()[0].shape), other_(other.outputs()[0].shape) {}

bool FreeSizes::may_vary(std::size_t dimension, std::size_t dimensions) const {
  const auto is_free = [&](const Shape& shape) {  // without any where the rank is not known either
    return shape.empty() || (shape.size() == dimensions && shape[dimension] < 0);
  };
  return is_free(fp32_) && is_free(other_) && !(dimensions == 4 && dimension >= 2);
}

bool FreeSizes::cannot_compare(const Tensor& fp32, const Tensor& other) const {
  const std::size_t dimensions = fp32.shape.size();
  if (other.shape.size() != dimensions || (fp32.shape == other.shape && fp32.size() > 0)) return false;
  bool varies = false;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const bool differs = fp32.shape[i] != other.shape[i];
    if (differs && !may_vary(i, dimensions)) return false;
    varies |= may_vary(i, dimensions);
  }
  return varies;
}

Reference::Reference(const onnx::ModelProto& fp32, LoadSample load, std::size_t samples, ClassAxis axis, const Context& context)
    : load_(std::move(load)), axis_(axis), context_(context), outputs_(samples), names_(samples) {
  const Session session(fp32);
  parallel_for_samples(context, samples, [&](std::size_t i, unsigned) { outputs_[i] = std::move(session.run(load_(i))[0]); });
  for (std::size_t i = 0; i < samples; ++i) names_[i] = std::to_string(i);
}

Accuracy Reference::judge(const onnx::ModelProto& candidate, const SessionOptions& options) const {
  const Session session(candidate, options);
  Comparisons comparisons(outputs_.size());
  parallel_for_samples(context_, outputs_.size(),
                       [&](std::size_t i, unsigned) { comparisons.add(i, outputs_[i], session.run(load_(i))[0], axis_); });
  return comparisons.summarize(names_);
}

}  // namespace quantize
