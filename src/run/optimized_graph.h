// What ONNX Runtime makes of a model: the graph after its own optimizations, in which one sees which operators became integer kernels.
#pragma once

#include <onnx/onnx_pb.h>

#include "model/large_weights.h"

namespace quantize {

// Without the memory layouts of this very processor, which come last and change nothing about the kinds of kernels. Nothing is written to
// disk. Throws Error{model} where ONNX Runtime cannot load the model, or the result is no single protobuf (over 2 GB).
onnx::ModelProto optimized_graph(const onnx::ModelProto& model, const WeightLimits& limits = {});

}  // namespace quantize
