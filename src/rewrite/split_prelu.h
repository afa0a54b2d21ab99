// PRelu in a form that runs fast: ONNX Runtime's CPU kernel for it takes as long as a convolution, and about twelve times as long as the
// two operators that compute the same values, bit for bit.
#pragma once

#include <onnx/onnx_pb.h>

#include <vector>

#include "model/edit.h"

namespace quantize {

// BEFORE  x, slope -> PRelu -> y          AFTER  x, slope -> Mul -> m;  x, m -> Max -> y      (Min where every slope is above one)
// The node as it is where it is no PRelu, `slope` is not constant (null) or its values lie on both sides of one.
std::vector<onnx::NodeProto> split_prelu(onnx::NodeProto node, const onnx::TensorProto* slope, NameMaker& names);

}  // namespace quantize
