// Looking at inner tensors: a copy of a model with chosen tensors added as outputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>
#include <string>

namespace quantize {

// The model's own outputs stay first; tensors that are outputs already are not repeated.
onnx::ModelProto with_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors);

}  // namespace quantize
