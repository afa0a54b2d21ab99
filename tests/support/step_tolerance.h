// How far a quantized model may be from the float model, worked out from its own quantization steps.
//
// The quantized model without its QuantizeLinear/DequantizeLinear pairs is a float model N. Noise of up to half a step in the place of
// every pair and of a step on every weight moves N's outputs by what rounding can do; clipping to the pairs' ranges moves them by what
// saturation can. A few times that is allowed. A model that computes something else is far outside, because N then is as far from FP32 as
// it is.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "model/tensor.h"

namespace quantize::test {

// The largest absolute difference allowed for each output; `expected` are the float model's outputs for the same inputs (float outputs only
// mean something).
std::vector<double> step_tolerances(const onnx::ModelProto& quantized, const std::vector<Tensor>& inputs,
                                    const std::vector<Tensor>& expected);

// Runs the quantized model with ONNX Runtime's graph optimisations off and on; returns in words where it is farther from `expected` than
// its steps explain, or where an output that nothing quantized leads to moved. Empty where all is well.
std::string beyond_steps(const onnx::ModelProto& quantized, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected);

}  // namespace quantize::test
