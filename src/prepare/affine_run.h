// Element-wise operators with constants, each of which alone reads the one before, as one map:
//
//   t = Div (x, c);  u = Sub (t, m);  y = Mul (f, u)         y = scale x + shift
//
// A constant is one value, or has one for each index along an axis, which is the same for all of them, and widens nothing.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "model/graph.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {

// `second` behind `first`. Either may have one value where the other has several.
ChannelAffine composed(const ChannelAffine& first, const ChannelAffine& second);

struct AffineRun {
  std::vector<int> nodes;  // in their order
  std::string input, output;
  ChannelAffine map{{1.0}, {0.0}};  // one value each, or one per index along the axis
  int axis = 0;                     // counted from the end, -1 being the last; 0 where all constants are single values

  [[nodiscard]] std::size_t count() const { return std::max(map.scale.size(), map.shift.size()); }
};

class AffineRuns {
 public:
  AffineRuns(const GraphIndex& index, const ValueTypes& types, const IsKept& is_kept) : index_(index), types_(types), is_kept_(is_kept) {}

  // The longest run that begins with this node; without nodes where that is no such operator.
  [[nodiscard]] AffineRun starting_at(int node) const;
  // The run that alone reads the tensor. Where there is none it has no nodes, and the tensor is its output.
  [[nodiscard]] AffineRun behind(const std::string& tensor) const;

 private:
  // A run of this one node.
  [[nodiscard]] std::optional<AffineRun> single(int node) const;
  [[nodiscard]] std::optional<int> axis_of(const onnx::TensorProto& constant, const std::string& tensor) const;

  const GraphIndex& index_;
  const ValueTypes& types_;
  const IsKept& is_kept_;
};

}  // namespace quantize
