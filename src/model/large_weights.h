// Keeping protobufs small: one may hold 2 GB at most, and models are copied often.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/append_file.h"

namespace quantize {

struct WeightLimits {
  std::uint64_t in_protobuf = std::uint64_t{1} << 30;  // bytes; a model with more keeps its weights in files
  std::uint64_t tensor = std::uint64_t{1} << 16;       // bytes; a smaller tensor is in the protobuf in any case
};

// Where the graph's initializers hold more than `limits.in_protobuf` bytes, those of `limits.tensor` bytes and more go to `scratch`, which
// is made when it is needed and must live as long as any copy of the graph.
void move_out_large_weights(onnx::GraphProto& graph, const WeightLimits& limits, std::shared_ptr<AppendFile>& scratch);

// A copy in which initializers of more than `largest_kept` bytes, and external ones, have name, type and shape but no values.
// `in_place_of`(copy, original), where given, may put something there.
using PutPayload = std::function<void(onnx::TensorProto& copy, const onnx::TensorProto& original)>;
onnx::ModelProto copy_without_payloads(const onnx::ModelProto& model, std::uint64_t largest_kept, const PutPayload& in_place_of = {});

// Of all that the model says: weights outside the protobuf count by their values, not by the file they are in.
std::string content_fingerprint(const onnx::ModelProto& model);

}  // namespace quantize
