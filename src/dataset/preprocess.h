// How a picture becomes a model input: x = (pixel * scale - mean) / std per channel, pixel in 0..255, after a resize to the model's size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataset/image.h"
#include "model/tensor.h"

namespace quantize {

enum class ColorOrder { rgb, bgr, gray };
std::string to_string(ColorOrder order);      // as --color has it
enum class Layout { automatic, nchw, nhwc };  // automatic: channels where the model's shape has a 1 or 3, nchw when in doubt
// letterbox: keep the aspect, pad with 0 pixels around (before mean and std); crop: keep the aspect, cut the middle
enum class ResizeMode { stretch, letterbox, crop };

struct Preprocess {
  float scale = 1.0F / 255.0F;
  std::vector<float> mean = {0.485F, 0.456F, 0.406F};  // one value, or one per channel; in the order of `color`
  std::vector<float> std = {0.229F, 0.224F, 0.225F};
  ColorOrder color = ColorOrder::rgb;
  Layout layout = Layout::automatic;
  ResizeMode resize = ResizeMode::stretch;

  // "imagenet" (scale 1/255, ImageNet's mean and std), "unit" (scale 1/255), "signed" (scale 1/127.5, mean 1: to [-1, 1]), "raw" (none).
  // mean and std are given in RGB order; with ColorOrder::bgr they are applied to the swapped picture as given (first value to the first
  // channel).
  static Preprocess named(const std::string& name);  // Error{usage} for an unknown name
};

// Where in an input of `width` x `height` the whole picture (stretch, letterbox) or its middle (crop) lies. Used again to bring masks back
// to the picture.
struct Placement2D {
  int x = 0, y = 0, width = 0, height = 0;                              // the part of the model's input that the picture fills
  int source_x = 0, source_y = 0, source_width = 0, source_height = 0;  // the part of the picture that is used
};
Placement2D place_picture(int picture_width, int picture_height, int width, int height, ResizeMode mode);

// Whether a model input of this shape holds its channels last (N H W C), by `layout` and, where that is automatic, by the dimensions.
bool channels_last(const Shape& shape, Layout layout);

// The size that a model input of this shape fixes for pictures; none where height or width is free, or it takes no picture.
std::optional<PictureSize> fixed_picture_size(const Shape& shape, Layout layout);

// The picture at its place in one of the input's size, black around it. to_input() makes the same of the result as of the picture itself.
Image fit_picture(const Image& picture, int width, int height, ResizeMode mode);

// `shape` is the model's input shape, 4-D (or 3-D without batch), dimensions -1 where free (then the picture's own size is used).
// Throws Error{data} when the shape cannot hold a picture (rank, channels).
Tensor to_input(const Image& picture, const Shape& shape, ElementType type, const Preprocess& preprocess);

}  // namespace quantize
