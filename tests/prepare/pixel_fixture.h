// Models that take a picture, and pictures for them.
#pragma once

#include <random>

#include "dataset/image.h"
#include "pass_fixture.h"

namespace quantize::test {

inline constexpr const char* padded = R"(g (float[1,3,7,9] x) => (float[1,4,7,9] y) <float[4,3,3,3] w, float[4] b> {
  t = Conv <pads = [1,1,1,1]> (x, w, b)  y = Relu (t)
})";

// Takes pixels of 0 to 255, and what the exporters of its kind write before the convolution.
inline constexpr const char* normalises_itself = R"(g (float[1,3,7,9] x) => (float[1,4,7,9] y)
  <float all = {255}, float[1,3,1,1] mean, float[3,1,1] var, float[4,3,3,3] w, float[4] b> {
  u = Div (x, all)  v = Sub (u, mean)  n = Div (v, var)  t = Conv <pads = [1,1,1,1]> (n, w, b)  y = Relu (t)
})";
inline constexpr const char* normalises_channels_last = R"(g (float[1,7,9,3] x) => (float[1,4,7,9] y)
  <float part = {0.01}, float[3] mean, float[3,1,1] var, float[4,3,3,3] w> {
  u = Mul (x, part)  v = Sub (u, mean)  t = Transpose <perm = [0,3,1,2]> (v)  n = Div (t, var)  y = Conv <pads = [1,1,1,1]> (n, w)
})";

inline Image random_picture(int width, int height, int channels = 3) {
  std::mt19937 random(7);
  Image picture{width, height, channels, {}};
  for (int i = 0; i < width * height * channels; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
  return picture;
}

inline Shape input_shape(const Model& model) {
  Shape shape;
  for (const auto& dimension : model.graph().input(0).type().tensor_type().shape().dim()) shape.push_back(dimension.dim_value());
  return shape;
}

}  // namespace quantize::test
