// The way of a picture to the convolution that alone reads it, with the arithmetic that a model does on it before:
//
//   v = Sub (x, m);  t = Transpose (v);  u = Div (t, s);  y = Conv (u, W, c)       the Transpose turns the channels to the front
#pragma once

#include <optional>
#include <string>

#include "prepare/affine_run.h"

namespace quantize {

// N H W C to N C H W.
bool turns_channels_to_the_front(const onnx::NodeProto& node);

struct PixelPath {
  int transpose = -1;  // -1 where the channels come first already
  int conv = -1;       // of one group, over two dimensions, that alone reads its weight
  bool has_arithmetic = false;
  ChannelAffine map;  // of the arithmetic, one value per channel
};

// Nothing where the picture goes elsewhere, too.
std::optional<PixelPath> pixel_path(const std::string& picture, const GraphIndex& index, const ValueTypes& types, const IsKept& is_kept);

}  // namespace quantize
