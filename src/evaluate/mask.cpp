#include "evaluate/mask.h"

#include <algorithm>
#include <cmath>

#include "dataset/npy.h"

namespace quantize {
namespace {

constexpr std::uint8_t void_class = 255;

LabelPixels pixels_of(const Image& label, int classes) {
  LabelPixels pixels;
  pixels.all = label.pixels.size();
  for (const std::uint8_t value : label.pixels) {
    pixels.none += value == void_class;
    pixels.beyond += value != void_class && value >= classes;
  }
  return pixels;
}

// The label's classes where the model was shown the picture.
ClassMap truth_of(const Image& label, const Frame& frame) {
  const Placement2D place = place_picture(label.width, label.height, frame.width, frame.height, frame.mode);
  ClassMap truth{label.width, label.height, std::vector<std::uint8_t>(label.pixels.size(), void_class)};
  for (int y = place.source_y; y < place.source_y + place.source_height; ++y) {
    const auto row = static_cast<std::ptrdiff_t>(y) * label.width + place.source_x;
    std::copy_n(label.pixels.begin() + row, place.source_width, truth.classes.begin() + row);
  }
  return truth;
}

}  // namespace

Frame frame_of(const SampleSource& samples, std::size_t number, const Sample& sample) {
  const auto& files = samples.file(number).files;
  if (files.empty() || is_npy(files[0])) return {};
  const auto& shape = sample.inputs[0].shape;
  const bool last = channels_last(shape, samples.preprocess().layout);  // of the input: the output may have another order
  return {static_cast<int>(shape[shape.size() - (last ? 2 : 1)]), static_cast<int>(shape[shape.size() - (last ? 3 : 2)]),
          samples.preprocess().resize};
}

ClassMap mask_of(const Tensor& output, ClassAxis axis, const Frame& frame, int width, int height) {
  if (frame.mode == ResizeMode::stretch) return classes_at(output, axis, width, height);
  const Placement2D place = place_picture(width, height, frame.width, frame.height, frame.mode);
  const double grow_x = static_cast<double>(place.source_width) / place.width,
               grow_y = static_cast<double>(place.source_height) / place.height;
  const ClassMap whole = classes_at(output, axis, std::max(1, static_cast<int>(std::lround(frame.width * grow_x))),
                                    std::max(1, static_cast<int>(std::lround(frame.height * grow_y))));
  const int left = static_cast<int>(std::lround(place.x * grow_x)), top = static_cast<int>(std::lround(place.y * grow_y));
  ClassMap mask{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height)};
  for (int y = 0; y < place.source_height; ++y) {
    const int from_y = std::min(whole.height - 1, top + y);
    for (int x = 0; x < place.source_width; ++x) {
      const int from_x = std::min(whole.width - 1, left + x);
      mask.classes[static_cast<std::size_t>(place.source_y + y) * width + place.source_x + x] =
          whole.classes[static_cast<std::size_t>(from_y) * whole.width + from_x];
    }
  }
  return mask;
}

void LabelScore::add(const Image& label, const Tensor& output, const Frame& frame) {
  const int classes = classes_.value_or(class_count(output, axis_));
  const LabelPixels pixels = pixels_of(label, classes);
  Confusion here(classes);
  here.add(truth_of(label, frame), mask_of(output, axis_, frame, label.width, label.height));
  const std::lock_guard lock(mutex_);
  if (!confusion_) confusion_ = Confusion(classes);
  confusion_->add(here);
  pixels_.all += pixels.all;
  pixels_.none += pixels.none;
  pixels_.beyond += pixels.beyond;
}

}  // namespace quantize
