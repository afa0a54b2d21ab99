// What each operator means for quantization. The only place that knows operator names, channel axes and which operators merely move data.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/graph.h"

namespace quantize {

enum class Role {
  weighted,  // Conv, ConvTranspose, Gemm, MatMul with a constant weight: input 0, weight, bias and output are quantized
  compute,   // arithmetic on activations with an integer kernel: every float input and output is quantized, each with its own encoding
  moving,    // moves or selects values without changing them: input 0 and the outputs share one encoding
  clamp,     // Relu, Clip: absorbed by the encoding of its output when its producer is quantized
  floating,  // stays float; its inputs and outputs are quantized only where a neighbour needs it
};

// The operator's role by itself; a target (target.h) may lower it to `floating`.
Role role_of(const onnx::NodeProto& node, const GraphIndex& index);
// Whether the operator has another role than `floating` in some form, be it not this node's.
bool is_in_table(const onnx::NodeProto& node);

bool is_quantizer(const onnx::NodeProto& node);    // QuantizeLinear
bool is_dequantizer(const onnx::NodeProto& node);  // DequantizeLinear
// Integer arithmetic of its own, of ONNX's or of ONNX Runtime's domain: QLinearConv, ConvInteger, QGemm, MatMulNBits, MatMulIntegerToFloat.
bool is_integer_operator(const std::string& type);

// Whether this input carries data; others are shapes, indices, bounds. All of a Concat's, two of Add, Sub, Mul, Div, MatMul and PRelu, the
// first of any other operator's.
bool is_data_input(const onnx::NodeProto& node, int input);

// Conv, ConvTranspose, Gemm, MatMul, with whatever inputs.
bool may_be_weighted(const std::string& type);
// A weighted operator taken apart.
struct WeightedOp {
  std::string input, weight, bias, output;  // tensor names; bias empty where there is none
  int channel_axis = 0;                     // the output-channel axis of the weight; -1 where scales must be per tensor
  int channels = 0;                         // length of that axis
  int outputs = 0;                          // output channels in all: channels times groups for ConvTranspose
  std::int64_t groups = 1;
  int input_axis = -1;  // the input-channel axis of the weight where every output is one sum along it and nothing else; else -1
};
// Whether it holds one value per output channel. A Gemm's may be one number, a value per row or a whole matrix, too; such stay float.
bool is_channel_bias(const onnx::TensorProto& bias, const WeightedOp& op);
// Nothing where the node is not weighted.
std::optional<WeightedOp> weighted_op(const onnx::NodeProto& node, const GraphIndex& index);

// A Conv that multiplies the channels of each position by one matrix: 1x1, one group, stride 1, no padding. `weight`: the shape of its own.
bool is_pointwise(const onnx::NodeProto& node, std::span<const std::int64_t> weight);

// [low, high] that the operator's output can never leave: Sigmoid, Softmax, HardSigmoid [0, 1], Tanh [-1, 1].
std::optional<std::pair<float, float>> fixed_range(const onnx::NodeProto& node);
// The inputs that the operator tells apart: all values below give what the lower end gives, all above what the upper one does. HardSwish
// [-3, infinity), HardSigmoid, Relu, Clip; nothing for other operators.
std::optional<std::pair<float, float>> distinct_inputs(const onnx::NodeProto& node, const GraphIndex& index);
// What a PRelu with constant slopes, a LeakyRelu or a HardSwish multiplies squared errors of negative values by, on average over those it
// tells apart; 1 for other operators.
double mean_square_slope(const onnx::NodeProto& node, const GraphIndex& index);
// The bounds of a Relu or Clip; infinite where open. Nothing for other operators, or when a bound is not constant.
std::optional<std::pair<float, float>> clamp_bounds(const onnx::NodeProto& node, const GraphIndex& index);
// What the Relu or Clip that alone reads this tensor makes of it; the tensor itself where there is none.
const std::string& behind_clamp(const std::string& tensor, const GraphIndex& index);

}  // namespace quantize
