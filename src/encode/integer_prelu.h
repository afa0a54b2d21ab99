// PRelu on integers. With slopes from 0 to 1, PRelu (x) = max (x, slope * x); where input and output share an encoding, both are integers
// of that encoding:
//
//   q  -> DequantizeLinear -> Conv <depthwise, 1x1> (slopes) -> QuantizeLinear -> t;     Max (q, t) -> y
//
// Positive values pass unchanged, others are rounded once more. The runtime computes the convolution on integers, so that nothing is float:
// two operators in place of two DequantizeLinear, Mul, Max and QuantizeLinear.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <vector>

#include "model/graph.h"

namespace quantize {

// The constant slopes of `prelu`, one per channel of the result of the convolution `maker`; empty where they are no such constants or not
// all from 0 to 1.
std::vector<float> slopes_of(const onnx::NodeProto& prelu, const onnx::NodeProto& maker, const GraphIndex& index);

// How slopes are stored: every weight is 127, and the scale, which has to be positive, a 127th of the slope.
constexpr std::int32_t slope_weight = 127;
std::vector<float> slope_scales(std::vector<float> slopes);

// In a written graph: the Max of two tensors of integers.
bool is_integer_max(const onnx::NodeProto& node, const GraphIndex& index);
// In a written graph: the convolution that multiplies by slopes.
bool multiplies_by_slopes(const onnx::NodeProto& node, const GraphIndex& index);

}  // namespace quantize
