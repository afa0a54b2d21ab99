// Constants that several nodes read, for passes that put something into them for one reader: copies of a large weight would make the file
// grow, beyond what the float model took if there are enough of them.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <utility>
#include <vector>

#include "model/graph.h"

namespace quantize {

// What node `node` wants of the constant that it reads as input number `input`: `tensor`, whose values are raw. Its name is another one
// where the constant has other readers.
struct ConstantChange {
  int node, input;
  onnx::TensorProto* tensor;
};

// Whether a constant may become another one for one of its readers: it has no other, or a copy is small, as such or beside all constants.
bool may_differ(const onnx::TensorProto& constant, const GraphIndex& index);

// Of changes to be made together, those (node and input) that are to be left out: may_differ() refuses, and not all readers want the same.
// Where they do, the tensors get the constant's name, to replace it; so all that are not left out have to be made.
std::set<std::pair<int, int>> refused_copies(const std::vector<ConstantChange>& changes, const GraphIndex& index);

}  // namespace quantize
