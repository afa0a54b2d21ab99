// REWRITE: a prepared model + Encodings -> the same graph with QuantizeLinear/DequantizeLinear pairs. Adds nothing that the plan does not
// say.
#pragma once

#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/graph.h"
#include "model/model.h"

namespace quantize {

struct RewriteOptions {
  bool weights = true;  // false: weights and biases stay float, only activations are quantized (the optimizer's simulation)
};

// Activations: t -> [Q -> DQ] -> every reader, but for float operators where a float operator made t or it is given to the model: those
// read t before it is rounded. A Relu or Clip whose bounds the encoding's own saturation implies is removed (absorbed_clamp.h); graph
// outputs keep their names; what a Cast made of uint8 pixels is read from the pixels, without a Q. Weights: integer initializer -> DQ ->
// operator, nearest rounding (weights that lie on the grid are kept exactly). Biases: int32 initializer -> DQ with scale = input scale x
// weight scale, as float32 product, bit-exactly. Identical scales and zero points share one initializer. Value infos of inner tensors are
// dropped. A Sum of one input stands in front of what ONNX Runtime would run on integers though it is to stay float.
Model rewrite(const Model& prepared, const Placement& placement, const Encodings& encodings, const RewriteOptions& options = {});

// The name under which the readers in the rewritten graph, given by its index, see tensor `name` (the DequantizeLinear's output), for taps.
// `name` itself where not quantized.
std::string dequantized_name(const GraphIndex& rewritten, const std::string& name);

}  // namespace quantize
