#include "ops/target.h"

#include "base/error.h"

namespace quantize {

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
       .concat_shares = false,
       .pairs_in_16_bits = true,
       .split_prelu = true,
       .quantize_outputs = false,
       // Whole segmentation networks on x86-64 with VNNI; 4-bit weights and 16-bit activations have no integer kernels there.
       .speed = {.bits8 = 0.4, .bits4 = 1.25, .wide = 1.25, .floating = 1}},
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
