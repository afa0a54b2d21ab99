// y = scale[c] * x + shift[c] per channel c: what a BatchNormalization, a bias and a per-channel factor have in common, and how it is
// absorbed into the weights of the linear operator before or after it. Computed in double, stored in the weights' own type.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/tied_weights.h"

namespace quantize {

struct ChannelAffine {
  std::vector<double> scale, shift;

  [[nodiscard]] bool scales() const;  // some factor is not 1
  [[nodiscard]] bool shifts() const;  // some summand is not 0
  [[nodiscard]] bool is_finite() const;
};

// New weight (where it changes) and bias of a linear node, under the name the node shall read from now on: the old name where the node
// alone reads that tensor, else a new one.
struct LinearChange {
  int node = -1;
  std::optional<onnx::TensorProto> weight;
  onnx::TensorProto bias;
};

// Takes out of `found`, whose elements have a LinearChange `change` each, those that would store a large weight a second time: see
// tied_weights.h. To be asked before changes that have a weight are applied.
template <typename Found>
void drop_copies(std::vector<Found>& found, const GraphIndex& index) {
  std::vector<ConstantChange> changes;
  for (auto& one : found) {
    if (one.change.weight) changes.push_back({one.change.node, 1, &*one.change.weight});
  }
  const auto refused = refused_copies(changes, index);
  std::erase_if(found, [&](const Found& one) { return refused.contains({one.change.node, 1}); });
}

// How many output channels a Conv, ConvTranspose or Gemm has. Nothing for other operators and where weight or bias are not constant.
std::optional<std::int64_t> output_channels(const onnx::NodeProto& node, const GraphIndex& index);

// A constant operand of a tensor of this rank as one value per channel (axis 1); nothing where it varies along another axis or would widen
// the tensor.
std::optional<std::vector<double>> per_channel(const onnx::TensorProto& constant, int rank, std::int64_t channels);

// The affine map that follows the node's output, absorbed: W' = scale * W, b' = scale * b + shift. Nothing where the node cannot take it.
std::optional<LinearChange> absorb_after(int number, const ChannelAffine& affine, const GraphIndex& index, NameMaker& names);

// The affine map that precedes the node's first input, absorbed: W' = W * scale, b' = b + sum of W * shift. Nothing where that is not
// exact: with padding, the zeros around the image are not shifted. A map that only shifts leaves the weight as it is.
std::optional<LinearChange> absorb_before(int number, const ChannelAffine& affine, const GraphIndex& index, NameMaker& names);

void apply_changes(onnx::GraphProto& graph, std::vector<LinearChange> changes);

// Any float tensor, without loss.
std::vector<double> double_values(const onnx::TensorProto& tensor);
// Nothing where a value would not be finite in `type`.
std::optional<onnx::TensorProto> store(const std::string& name, const Shape& shape, ElementType type, const std::vector<double>& values);

}  // namespace quantize
