// Masks drawn on pictures, for people to look at.
#pragma once

#include <cstdint>
#include <span>

#include "dataset/image.h"

namespace quantize {

// The picture (gray or RGB) with every pixel mixed towards its class's colour; RGB. `classes` has one value per pixel of the picture, and
// opacity 0 leaves the picture as it is, 1 leaves only colours. There are 24 colours; class 24 has that of class 0.
Image overlay_classes(const Image& picture, std::span<const std::uint8_t> classes, double opacity);

// The picture, gray and darkened, with every pixel whose class differs between `a` and `b` in yellow; RGB.
Image difference_picture(const Image& picture, std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace quantize
