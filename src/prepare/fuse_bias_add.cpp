// A constant per channel added behind a Conv, ConvTranspose or Gemm is its bias.
//
//   BEFORE  t = Conv (x, W);  y = Add (t, b)      b of shape [C, 1, 1], [1, C, 1, 1] or one value
//   AFTER   y = Conv (x, W, b)
//
// MatMul has no bias input: see token_gemms.cpp.
#include "prepare/absorb_elementwise.h"
#include "prepare/passes.h"

namespace quantize {

std::string fuse_bias_add(Model& model) {
  const auto meaning = [](const onnx::NodeProto& node, const std::vector<double>& constant,
                          bool constant_is_second) -> std::optional<ChannelAffine> {
    const bool subtracts = node.op_type() == "Sub" && constant_is_second;
    if (node.op_type() != "Add" && !subtracts) return {};
    ChannelAffine affine{std::vector<double>(constant.size(), 1.0), constant};
    if (subtracts) {
      for (auto& value : affine.shift) value = -value;
    }
    return affine;
  };
  return counted(absorb_elementwise(model, meaning), "bias", "biases");
}

}  // namespace quantize
