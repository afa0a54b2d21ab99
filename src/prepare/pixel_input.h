// The model as a camera sees it: it takes the picture's pixels as uint8, and normalises them itself.
#pragma once

#include "dataset/preprocess.h"
#include "model/model.h"

namespace quantize {

// Replaces the model's one float input, x, by uint8 pixels of the same name, in the model's channel order; what was computed before the
// model, x = (pixel * scale - mean) / std, is now its first step: Cast, then BatchNormalization (Mul and Add where the channels come last),
// which preparation folds into the first convolution where that is exact. With Layout::nhwc the pixels come as height x width x channels,
// whatever the model's own order. Throws Error{usage} where the model has several inputs or one that cannot be a picture.
void take_pixels(Model& model, const Preprocess& preprocess, Layout layout);

// How pictures become inputs of such a model: `preprocess` without its arithmetic.
Preprocess pixels_of(Preprocess preprocess);

}  // namespace quantize
