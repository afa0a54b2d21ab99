// How a model's first output encodes classes (evaluate/metrics.h), of what the model says about it and, where that leaves it open, of a
// run.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>

#include "dataset/preprocess.h"
#include "evaluate/metrics.h"
#include "model/tensor.h"

namespace quantize {

// For pictures as the first input, which the model's file declares with this shape. `inputs`: one set of the model's inputs; pictures may
// come with their channels last there though the file has them first.
ClassAxis output_axis(const onnx::ModelProto& model, const Shape& input, Layout layout, std::span<const Tensor> inputs);

}  // namespace quantize
