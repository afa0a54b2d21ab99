#include "ops/target.h"

#include "base/error.h"
#include "model/attribute.h"

namespace quantize {

bool named_in(const std::set<std::string>& operators, const onnx::NodeProto& node) {
  return operators.contains(node.op_type()) || operators.contains(node.op_type() + ":" + string_attribute(node, "mode", ""));
}

const std::vector<Target>& targets() {
  static const std::vector<Target> table = {
      // ONNX Runtime's CPU provider fuses QDQ Conv, Gemm, MatMul, Add, Mul, Concat, pools, LeakyRelu and Sigmoid into integer kernels and
      // runs data
      // movement on integers. The operators named here it would run in float between a DequantizeLinear and a QuantizeLinear, so they gain
      // nothing.
      {.name = "ort-cpu",
       .summary = "ONNX Runtime's CPU execution provider (x86-64 with AVX2 or VNNI, arm64)",
       .float_operators = {"Sub", "Div", "Tanh", "PRelu", "HardSwish", "HardSigmoid", "ReduceMean", "Elu", "Gelu", "Softmax",
                           "Resize:linear", "Resize:cubic"},
       .concat = ConcatSharing::lone_inputs,
       .pairs_in_16_bits = true,
       .knows_gelu = true,
       .split_prelu = true,
       .integer_activations = {"PRelu", "HardSwish"},
       .sums_follow_readers = true,
       .computes_constants = true,
       .resize_by_products = true,
       .merge_groups = true,
       .point_products = true,
       .quantize_outputs = false,
       .weight_zero_points = true,
       .shortens_products = true,
       .channel_scales = true,
       .block_scales = true,
       // Whole segmentation networks on x86-64 with VNNI; 4-bit weights and 16-bit activations have no integer kernels there.
       .speed = {.bits8 = 0.4, .bits4 = 1.25, .wide = 1.25, .floating = 1}},
      // The HTP of the provider's version 2.7.0 takes all of it with fall-back to the CPU disabled. Everything is integer, graph inputs and
      // outputs too. Its arithmetic, seen by comparing single operators on its simulator with their exact definition: a linear Resize in
      // float behind a quantized convolution, or between two encodings, comes out 0.15 to 0.25 steps too high, with one encoding and in
      // integers it does not; Concat of inputs with other encodings than the output's leaves 14 % of the values a step off.
      {.name = "qnn",
       .summary = "Qualcomm NPUs (HTP) through ONNX Runtime's QNN execution provider",
       .float_operators = {},
       .sharing = {"Resize:linear", "Resize:cubic", "AveragePool"},
       .concat = ConcatSharing::all,
       .short_multipliers = true,
       .drops_low_byte = true,
       .explicit_weight_zeros = true,
       .provider = "qnn",
       .compiles = true},
      // OpenVINO 2026.4 turns 8-bit Q/DQ pairs into integer kernels. It drops 16-bit pairs: activations are float then, and a Relu or Clip
      // that only their saturation stood for would be lost.
      {.name = "openvino",
       .summary = "OpenVINO on x86-64 and arm64 processors",
       .float_operators = {"Sub", "Div", "Tanh", "PRelu", "HardSwish", "HardSigmoid", "ReduceMean", "Elu", "Gelu", "Softmax",
                           "Resize:linear", "Resize:cubic"},
       .pairs_in_16_bits = true,
       .onednn_kernels = true,
       .quantize_outputs = false,
       .drops_wide_pairs = true,
       .provider = "openvino"},
      // By the rules of TensorRT's documentation on explicit quantization: int8, symmetric; scales per channel for weights; inputs of
      // convolutions and matrix products quantized, their results not, so that bias, Relu and residual Add are fused into the kernel.
      {.name = "tensorrt",
       .summary = "NVIDIA GPUs through TensorRT's explicit quantization",
       .float_operators = {},
       .quantize_outputs = false,
       .symmetric_activations = true,
       .float_biases = true,
       .fuses_what_follows = true,
       .wide_activations = false,
       .refused = {{"w8a16", "TensorRT has no 16-bit integer activations; use w8a8"},
                   {"w4a16", "TensorRT has no 16-bit integer activations, and 4-bit weights for matrix products only; use w8a8"}}},
  };
  return table;
}

const Target& find_target(const std::string& name) {
  std::string known;
  for (const auto& target : targets()) {
    if (target.name == name) return target;
    known += (known.empty() ? "" : ", ") + target.name;
  }
  throw Error(ErrorKind::usage, "unknown target '" + name + "'; known: " + known);
}

}  // namespace quantize
