// What ONNX demands of a file and ONNX Runtime does not: models that people use must not fail for it.
#pragma once

#include <onnx/onnx_pb.h>

namespace quantize {

// Fills in what a file may leave out: names of graphs, imports of domains that nodes are from, types of outputs where they follow from the
// rest.
void complete(onnx::ModelProto& model);

// A copy for ONNX's checker, without the values of weights, in which it finds no fault that is none to any runtime: weights that IR version
// 3 does not list as inputs, outputs without type or shape, operators that a later version of the same opset deprecated, local
// functions of another opset.
onnx::ModelProto accepted_by_checker(const onnx::ModelProto& model);

}  // namespace quantize
