#include "encode/integer_activation.h"

#include <algorithm>
#include <cmath>

#include "model/tensor.h"
#include "ops/op_table.h"

namespace quantize {
namespace {

// What makes a tensor of channels in axis 1, of its weight's rank.
std::optional<WeightedOp> convolution(const onnx::NodeProto& node, const GraphIndex& index) {
  const bool convolves = node.op_type() == "Conv" || node.op_type() == "ConvTranspose";
  return convolves ? weighted_op(node, index) : std::nullopt;
}

}  // namespace

bool has_integer_form(const onnx::NodeProto& activation, const onnx::NodeProto& maker, const GraphIndex& index) {
  if (!standard_domain(activation)) return false;
  if (activation.op_type() == "PRelu") return !slopes_of(activation, maker, index).empty();
  return activation.op_type() == "HardSwish" && convolution(maker, index).has_value();
}

bool shares_encoding(const onnx::NodeProto& activation) { return activation.op_type() == "PRelu"; }

std::vector<float> slopes_of(const onnx::NodeProto& prelu, const onnx::NodeProto& maker, const GraphIndex& index) {
  const auto op = convolution(maker, index);
  const auto* slope = prelu.input_size() == 2 ? index.initializer(prelu.input(1)) : nullptr;
  if (!op || slope == nullptr || slope->data_type() != onnx::TensorProto::FLOAT) return {};
  const auto rank = index.initializer(op->weight)->dims_size();
  const auto count = element_count(shape_of(*slope));
  const bool per_channel = slope->dims_size() == rank - 1 && slope->dims(0) == op->outputs && count == op->outputs;
  if (!per_channel && count != 1) return {};
  auto values = float_values(*slope);
  if (std::ranges::any_of(values, [](float value) { return !(value >= 0 && value <= 1); })) return {};
  if (!per_channel) values.resize(static_cast<std::size_t>(op->outputs), values[0]);
  return values;
}

std::vector<float> slope_scales(std::vector<float> slopes) {
  constexpr float least = 1e-6F;
  for (float& slope : slopes) slope = std::max(slope, least) / factor_weight;
  return slopes;
}

Encoding gate_encoding() { return encode_range({0, 1}, onnx::TensorProto::UINT8, Symmetry::asymmetric); }

std::optional<std::int32_t> gate_summand(const Encoding& input) {
  constexpr double largest = 1 << 30;  // what the convolution adds to it is less than 2^16
  const double exact = 0.5 / static_cast<double>(input.scale[0] * gate_scale);
  return exact < largest ? std::optional(static_cast<std::int32_t>(std::nearbyint(exact))) : std::nullopt;
}

bool runs_on_integers(const onnx::NodeProto& activation, const Encodings& encodings) {
  const auto &input = encodings.activations.at(activation.input(0)), &output = encodings.activations.at(activation.output(0));
  if (shares_encoding(activation)) return is_byte(output.type);
  const auto is_unsigned_byte = [](const Encoding& encoding) { return encoding.type == onnx::TensorProto::UINT8; };
  return is_unsigned_byte(input) && is_unsigned_byte(output) && gate_summand(input).has_value();
}

bool is_integer_max(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Max" || node.input_size() != 2) return false;
  const auto* other = index.producer(node.input(1));
  return other != nullptr && is_quantizer(*other);
}

}  // namespace quantize
