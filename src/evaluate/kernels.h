// Which operators of a quantized model ONNX Runtime's CPU provider computes on integers, and why the others run in float.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <span>

#include "model/model.h"
#include "report/report.h"

namespace quantize {

// `optimized`: what the runtime makes of `model`, see run/optimized_graph.h. Reasons follow from the Quantize- and DequantizeLinear nodes
// of `model`; where `decisions` say why a node was left float, that is the reason.
Kernels kernels_of(const onnx::GraphProto& model, const onnx::GraphProto& optimized, std::span<const NodeDecision> decisions = {});
// Asks the runtime; nothing where it cannot load the model.
std::optional<Kernels> kernels_in_runtime(const Model& model, std::span<const NodeDecision> decisions = {});

}  // namespace quantize
