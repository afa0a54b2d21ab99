// The classes of an output brought back to the picture that the model was fed, wherever in the model's input that lay.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "dataset/sample_source.h"
#include "evaluate/confusion.h"
#include "evaluate/metrics.h"
#include "report/report.h"

namespace quantize {

// The model's input and how a picture is brought to its size.
struct Frame {
  int width = 0, height = 0;
  ResizeMode mode = ResizeMode::stretch;
};
// Of the first input of a sample, which is item `number` of `samples`. A tensor is no picture and fills the input.
Frame frame_of(const SampleSource& samples, std::size_t number, const Sample& sample);

// A mask of the picture, which is `width` x `height`. Where the picture fills only a part of the input (letterbox), that part of the output
// is cut out; where only the middle of the picture was used (crop), the rest of the mask keeps class 0.
ClassMap mask_of(const Tensor& output, ClassAxis axis, const Frame& frame, int width, int height);

// Class-index pictures to judge masks by, <folder>/<stem>.png; no folder where there are none. `classes`: how many the model tells apart,
// where its output holds their numbers and does not say.
struct Labels {
  std::filesystem::path folder = {};
  std::optional<int> classes = {};
};

// What a model takes the classes of labels for. What lies outside the part of a picture that it was shown does not count. Several threads
// may each add another sample: counts do not depend on the order.
class LabelScore {
 public:
  LabelScore(std::optional<int> classes, ClassAxis axis) : classes_(classes), axis_(axis) {}

  void add(const Image& label, const Tensor& output, const Frame& frame);
  // Nothing where no pixel is of a class of the model.
  [[nodiscard]] std::optional<double> mean_iou() const { return confusion_ ? confusion_->mean_iou() : std::nullopt; }
  // Of the commonest class all over, as a model that sees nothing would guess; nothing where the labels hold less than two classes.
  [[nodiscard]] std::optional<double> one_class_iou() const { return confusion_ ? confusion_->one_class_iou() : std::nullopt; }
  // Of all labels, whether the model was shown them or not.
  [[nodiscard]] const LabelPixels& pixels() const { return pixels_; }

 private:
  std::optional<int> classes_;
  ClassAxis axis_;
  std::mutex mutex_;
  std::optional<Confusion> confusion_;
  LabelPixels pixels_;
};

}  // namespace quantize
