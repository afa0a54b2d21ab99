// Channel shuffles as frameworks write them out: three operators that only put channels in another order.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "model/graph.h"
#include "model/tensor.h"

namespace quantize {

// x [n, c, ...] -> Reshape [n, groups, part, ...] -> Transpose (0, 2, 1, ...) -> Reshape [n, c, ...], nobody else reading in between.
// Channel k * groups + i of the result is channel i * part + k of x.
struct ChannelShuffle {
  std::string from, to;
  std::array<int, 3> nodes{};  // their numbers
  int groups = 1, part = 1;
  Shape split;  // what the first Reshape is told to make; 0: as in x, -1: what is left, or computed

  [[nodiscard]] int channels() const { return groups * part; }
  [[nodiscard]] int source(int channel) const { return channel % groups * part + channel / groups; }  // of channel `channel` of `to`
  // Whether a tensor of this shape (-1: not known) is certain to keep it and to have its channels in another order, nothing else.
  [[nodiscard]] bool keeps_shape(const Shape& x) const;
};

// The shuffle that begins with node `reshape`; nothing where none does. It is one of a tensor with as many channels, and with
// the batch and sizes that `split` names: the caller has to know that, or to ask keeps_shape().
std::optional<ChannelShuffle> channel_shuffle(int reshape, const GraphIndex& index);

}  // namespace quantize
