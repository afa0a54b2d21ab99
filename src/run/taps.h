// Looking at inner tensors: a copy of a model with chosen tensors added as outputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quantize {

// The model's own outputs stay first; tensors that are outputs already are not repeated.
onnx::ModelProto with_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors);

// A model whose outputs are the shapes of chosen tensors, in their order: how large they are without keeping any.
onnx::ModelProto with_shape_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors);

// A model whose outputs are the largest magnitudes of chosen tensors for each index of their last axis, in their order: [channels].
struct ChannelTap {
  std::string tensor;
  std::int64_t channels = 0;  // the size of its last axis
};
onnx::ModelProto with_largest_by_channel(const onnx::ModelProto& model, std::span<const ChannelTap> taps);

// A model whose outputs are values of chosen tensors, in their order: all values of a tensor up to `most` of them (in another order), else
// `most` that are spread over it by a multiplicative sequence, which meets all rows, columns and channels alike. Whole tensors live no
// longer than in the model itself, so that all of a network can be looked at in one run. Opset 13 at least.
struct SampledModel {
  onnx::ModelProto model;
  std::vector<std::string> outputs;
};
SampledModel with_sampled_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors, std::int64_t most);

}  // namespace quantize
