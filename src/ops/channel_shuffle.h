// Channel shuffles as frameworks write them out: three operators that only put channels in another order.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "model/graph.h"

namespace quantize {

// x [n, c, ...] -> Reshape [n, groups, part, ...] -> Transpose (0, 2, 1, ...) -> Reshape [n, c, ...], nobody else reading in between.
// Channel k * groups + i of the result is channel i * part + k of x.
struct ChannelShuffle {
  std::string from, to;
  std::array<int, 3> nodes{};  // their numbers
  int groups = 1, part = 1;

  [[nodiscard]] int channels() const { return groups * part; }
  [[nodiscard]] int source(int channel) const { return channel % groups * part + channel / groups; }  // of channel `channel` of `to`
};

// The shuffle that begins with node `reshape`; nothing where none does. Whether `from` has as many channels is for the caller to know.
std::optional<ChannelShuffle> channel_shuffle(int reshape, const GraphIndex& index);

}  // namespace quantize
