// The classes of an output brought back to the picture that the model was fed, wherever in the model's input that lay.
#pragma once

#include "dataset/sample_source.h"
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

// Of all pixels of a label, whether the model was shown them or not.
LabelPixels pixels_of_label(const Image& label, int classes);

// What the model takes the classes of a label picture for. What lies outside the part of the picture that it was shown does not count.
Confusion confusion_with_label(const Image& label, const Tensor& output, ClassAxis axis, const Frame& frame);

}  // namespace quantize
