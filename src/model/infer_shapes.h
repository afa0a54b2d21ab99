// ONNX's shape inference, for models that nobody has checked yet.
#pragma once

#include <onnx/onnx_pb.h>

namespace quantize {

// Adds types and shapes to the model, as far as they follow; `of_values`: those of shape arithmetic too (ONNX's data propagation). Nothing
// follows from a convolution whose input and weight are of different rank: ONNX 1.19 reads out of bounds there. Throws std::exception where
// inference gives up.
void infer_shapes(onnx::ModelProto& model, bool of_values);

}  // namespace quantize
