// The model as a camera sees it: it takes the picture's pixels as uint8, and normalises them itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/preprocess.h"
#include "model/model.h"
#include "prepare/passes.h"

namespace quantize {

// Whether mean and std have one value, or one per channel.
bool fits(const Preprocess& preprocess, std::size_t channels);

// The map per channel that pictures go through before the model: x = pixel * factor + summand. Throws Error{usage} where it does not fit.
struct Normalisation {
  std::vector<float> factor, summand;

  Normalisation(const Preprocess& preprocess, std::size_t channels);
};

// Replaces the model's one float input, x, by uint8 pixels of the same name, in the model's channel order; what was computed before the
// model, x = (pixel * scale - mean) / std, is now its first step: Cast, then BatchNormalization (Mul and Add where the channels come last),
// which preparation folds into the first convolution where that is exact. With Layout::nhwc the pixels come as height x width x channels,
// whatever the model's own order. Throws Error{usage} where the model has several inputs or one that cannot be a picture.
void take_pixels(Model& model, const Preprocess& preprocess, Layout layout);

struct PixelRounding {
  Model model;
  std::string output;  // of the convolution that reads the pixels
};

// A model that takes normalised floats, told to round them to the pixels that they were made from, and goes on with those:
//
//   BEFORE  y = Conv (x, W, c)
//   AFTER   p = QuantizeLinear (x, one scale and zero point per channel);  v = Cast (Pad (p, one channel of 255));  y = Conv (v, W1, c)
//
// (fold_pixel_input.cpp explains the channel, and when there is none.) Nothing of a picture of 8 bits is lost then, where one scale for all
// channels rounds between the pixels. What the model normalises itself before the convolution goes into W1 as well. Nothing where the input
// does not go into one convolution, with arithmetic per channel and a Transpose of the channels to the front at most between them
// (pixel_path.h; arithmetic that is kept, stays, and so does the input). Opset 13 at least.
std::optional<PixelRounding> round_to_pixels(const Model& model, const Preprocess& preprocess, const IsKept& is_kept = {});

// How pictures become inputs of a model that takes pixels: `preprocess` without its arithmetic.
Preprocess pixels_of(Preprocess preprocess);

}  // namespace quantize
