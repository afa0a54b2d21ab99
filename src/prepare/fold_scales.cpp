// A constant factor per channel behind a Conv, ConvTranspose or Gemm goes into its weights: what is left of a BatchNormalization or of a
// preprocessing step that an exporter wrote out.
//
//   BEFORE  t = Conv (x, W, b);  y = Mul (t, s)      s of shape [C, 1, 1], [1, C, 1, 1] or one value; likewise y = Div (t, s)
//   AFTER   y = Conv (x, s W, s b)
#include "prepare/absorb_elementwise.h"
#include "prepare/passes.h"

namespace quantize {

std::string fold_scales(Model& model) {
  const auto meaning = [](const onnx::NodeProto& node, const std::vector<double>& constant,
                          bool constant_is_second) -> std::optional<ChannelAffine> {
    const bool divides = node.op_type() == "Div" && constant_is_second;
    if (node.op_type() != "Mul" && !divides) return {};
    ChannelAffine affine{constant, std::vector<double>(constant.size(), 0.0)};
    if (divides) {
      for (auto& value : affine.scale) value = 1 / value;  // by zero: not finite, and refused
    }
    return affine;
  };
  return counted(absorb_elementwise(model, meaning), "factor", "factors");
}

}  // namespace quantize
