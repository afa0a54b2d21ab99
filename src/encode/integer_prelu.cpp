#include "encode/integer_prelu.h"

#include <algorithm>

#include "model/tensor.h"
#include "ops/op_table.h"

namespace quantize {

std::vector<float> slopes_of(const onnx::NodeProto& prelu, const onnx::NodeProto& maker, const GraphIndex& index) {
  const bool convolves = maker.op_type() == "Conv" || maker.op_type() == "ConvTranspose";  // of its weight's rank, channels in axis 1
  const auto op = convolves ? weighted_op(maker, index) : std::nullopt;
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
  for (float& slope : slopes) slope = std::max(slope, least) / slope_weight;
  return slopes;
}

bool is_integer_max(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Max" || node.input_size() != 2) return false;
  const auto* other = index.producer(node.input(1));
  return other != nullptr && is_quantizer(*other);
}

bool multiplies_by_slopes(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Conv") return false;
  const int quantizer = index.only_reader(node.output(0));
  if (quantizer < 0 || !is_quantizer(index.node(quantizer))) return false;
  const auto use = index.only_use(index.node(quantizer).output(0));
  return use && is_integer_max(index.node(use->node), index);
}

}  // namespace quantize
