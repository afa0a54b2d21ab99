// Sparse initializers, which ONNX keeps in a list of their own: nothing but the loader knows of them.
#pragma once

#include <onnx/onnx_pb.h>

namespace quantize {

// They become ordinary ones of the same name, in subgraphs too. Their values and indices must be in the protobuf. Throws Error{model}
// naming the tensor where indices and values do not fit each other or the shape, or it would be larger than 1 GB.
void make_dense(onnx::GraphProto& graph);

}  // namespace quantize
