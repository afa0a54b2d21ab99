// A Relu or Clip that an encoding makes superfluous: where its output's integers saturate at the values that it does, the operator before
// it makes its result, and it is left out of the quantized graph.
#pragma once

#include <string>

#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

bool is_absorbed(const onnx::NodeProto& clamp, const GraphIndex& index, const Placement& placement, const Encodings& encodings);

// The tensor that carries an operator's rounded result: its output, or that of the clamp absorbed behind it. Empty where nothing rounds
// what its kernel makes, so that it runs in float.
std::string rounded_result(const std::string& output, const GraphIndex& index, const Placement& placement, const Encodings& encodings);

}  // namespace quantize
