// The weighted operators of a written graph, and what the plan says they stand for.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

struct Dequantizer {
  const onnx::TensorProto *integers = nullptr, *zero = nullptr;
  std::vector<float> scale;  // stored, or the product of a stored scale and stored scales (see slim.h); empty where it is neither
  int axis = 1;
};

// The constant behind a DequantizeLinear that makes `tensor`; integers is null where there is none.
Dequantizer constant_behind(const std::string& tensor, const GraphIndex& index);

// Conv, ConvTranspose, Gemm and MatMul with weights in integers, in execution order: names may have changed, that has not.
std::vector<const onnx::NodeProto*> written_nodes(const onnx::GraphProto& written, const GraphIndex& index);

// What each of them stands for.
struct PlannedNode {
  int number;                    // in the prepared graph
  const WeightedNode* weighted;  // null: PRelu or HardSwish on integers
};
std::vector<PlannedNode> planned_nodes(const GraphIndex& prepared, const Placement& placement, const Encodings& encodings);

}  // namespace quantize
