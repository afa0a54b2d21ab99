#include "rewrite/integer_activation.h"

#include "encode/integer_activation.h"
#include "model/attribute.h"

namespace quantize {
namespace {

// The convolution of `input` by one factor per channel.
std::string convolve(const IntegerInput& input, const std::vector<float>& scales, const std::string& bias, QdqWriter& writer) {
  const std::vector<std::int32_t> weights(static_cast<std::size_t>(input.factors[0]), factor_weight);
  const std::string factors =
      writer.dequantized(make_tensor(writer.unique("p"), input.factors, onnx::TensorProto::INT8, weights), writer.scale(scales), 0);
  std::vector<std::string> inputs = {input.values, factors};
  if (!bias.empty()) inputs.push_back(bias);
  std::string output = writer.unique("m");
  set_attribute(writer.add("Conv", inputs, output), "group", input.factors[0]);
  return output;
}

}  // namespace

std::string write_integer_prelu(const IntegerInput& input, const std::vector<float>& slopes, QdqWriter& writer) {
  const std::string scaled = convolve(input, slope_scales(slopes), "", writer);
  std::string integer = writer.unique("q"), chosen = writer.unique("q");
  writer.add("QuantizeLinear", {scaled, writer.scale(input.encoding.scale), writer.zero(input.encoding)}, integer);
  writer.add("Max", {input.integers, integer}, chosen);
  return chosen;
}

void write_integer_hard_swish(const IntegerInput& input, const std::string& name, const std::string& output, QdqWriter& writer) {
  const std::vector<std::int32_t> summands(static_cast<std::size_t>(input.factors[0]), *gate_summand(input.encoding));
  const std::string summand = writer.dequantized(make_tensor(writer.unique("b"), {input.factors[0]}, onnx::TensorProto::INT32, summands),
                                                 writer.scale({input.encoding.scale[0] * gate_scale}), -1);
  const std::string scaled = convolve(input, {gate_scale}, summand, writer);
  const Encoding encoding = gate_encoding();
  const std::string one_step = writer.scale(encoding.scale), zero = writer.zero(encoding);
  const std::string integer = writer.unique("q"), gate = writer.unique("g");
  writer.add("QuantizeLinear", {scaled, one_step, zero}, integer);
  writer.add("DequantizeLinear", {integer, one_step, zero}, gate);
  writer.add("Mul", {input.values, gate}, output).set_name(name);
}

}  // namespace quantize
