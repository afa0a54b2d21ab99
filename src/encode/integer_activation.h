// PRelu and HardSwish on integers: a convolution by one factor per channel, which the runtime computes on integers, and an operator of two
// tensors of integers, so that nothing is float between two convolutions.
//
// PRelu (x) = max (x, slope * x) for slopes from 0 to 1. Input and output share an encoding; q: the integers of x. Positive values pass
// unchanged, others are rounded once more.
//
//   q -> DequantizeLinear -> Conv <depthwise, 1x1> (slopes) -> QuantizeLinear -> t;     Max (q, t) -> y
//
// HardSwish (x) = x * clip (x / 6 + 1/2, 0, 1). The encoding of the second factor saturates where the Clip does.
//
//   x -> Conv <depthwise, 1x1> (1/6, 1/2) -> QuantizeLinear -> DequantizeLinear -> g;     Mul (x, g) -> y
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "encode/encodings.h"
#include "model/graph.h"

namespace quantize {

// Whether `activation`, which reads the result of `maker`, can be written so.
bool has_integer_form(const onnx::NodeProto& activation, const onnx::NodeProto& maker, const GraphIndex& index);
// Whether its input and output then share an encoding.
bool shares_encoding(const onnx::NodeProto& activation);

// A convolution by one factor per channel, as it is stored: every weight is 127, and the scale, which has to be positive, a 127th of the
// factor.
constexpr std::int32_t factor_weight = 127;

// The constant slopes of `prelu`, one per channel of the result of the convolution `maker`; empty where they are no such constants or not
// all from 0 to 1.
std::vector<float> slopes_of(const onnx::NodeProto& prelu, const onnx::NodeProto& maker, const GraphIndex& index);
std::vector<float> slope_scales(std::vector<float> slopes);

// Of HardSwish's second factor.
constexpr float gate_scale = 1.0F / 6 / factor_weight;
Encoding gate_encoding();
// Its summand, 1/2, in integers at input scale * gate_scale; nothing where they would be too large for the sum to fit int32, which takes
// inputs all next to zero.
std::optional<std::int32_t> gate_summand(const Encoding& input);

// Whether an activation function that placement chose for this is written so: with bytes on either side.
bool runs_on_integers(const onnx::NodeProto& activation, const Encodings& encodings);

// In a written graph: the Max of two tensors of integers.
bool is_integer_max(const onnx::NodeProto& node, const GraphIndex& index);

}  // namespace quantize
