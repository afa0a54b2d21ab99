#include "ops/op_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "model/attribute.h"
#include "model/tensor.h"

namespace quantize {
namespace {

const std::map<std::string, Role>& roles() {
  static const std::map<std::string, Role> table = {
      {"Conv", Role::weighted},
      {"ConvTranspose", Role::weighted},
      {"Gemm", Role::weighted},
      {"MatMul", Role::weighted},
      {"Add", Role::compute},
      {"Sub", Role::compute},
      {"Mul", Role::compute},
      {"Div", Role::compute},
      {"Concat", Role::compute},
      {"AveragePool", Role::compute},
      {"GlobalAveragePool", Role::compute},
      {"LeakyRelu", Role::compute},
      {"Sigmoid", Role::compute},
      {"Softmax", Role::compute},
      {"Tanh", Role::compute},
      {"PRelu", Role::compute},
      {"HardSwish", Role::compute},
      {"HardSigmoid", Role::compute},
      {"ReduceMean", Role::compute},
      {"Elu", Role::compute},
      {"Gelu", Role::compute},
      {"Reshape", Role::moving},
      {"Transpose", Role::moving},
      {"Flatten", Role::moving},
      {"Squeeze", Role::moving},
      {"Unsqueeze", Role::moving},
      {"MaxPool", Role::moving},
      {"GlobalMaxPool", Role::moving},
      {"Slice", Role::moving},
      {"Split", Role::moving},
      {"Gather", Role::moving},
      {"Expand", Role::moving},
      {"Tile", Role::moving},
      {"DepthToSpace", Role::moving},
      {"SpaceToDepth", Role::moving},
      {"Pad", Role::moving},
      {"Resize", Role::compute},
      {"Relu", Role::clamp},
      {"Clip", Role::clamp},
  };
  return table;
}

// The bound given as attribute (opset < 11) or as constant input; `open` where absent, nothing where it is computed.
std::optional<float> clip_bound(const onnx::NodeProto& node, const GraphIndex& index, const char* attribute, int input, float open) {
  if (find_attribute(node, attribute) != nullptr) return float_attribute(node, attribute, open);
  if (node.input_size() <= input || node.input(input).empty()) return open;
  const auto* tensor = index.constant(node.input(input));
  if (tensor == nullptr || element_count(shape_of(*tensor)) != 1) return std::nullopt;
  return float_values(*tensor)[0];
}

// Zero is in every encoding, and what is at the edge is there anyway; another value need not be in the range of the data.
bool pads_with_known_values(const onnx::NodeProto& node, const GraphIndex& index) {
  if (string_attribute(node, "mode", "constant") != "constant") return true;
  if (node.input_size() < 3 || node.input(2).empty()) return float_attribute(node, "value", 0) == 0;
  const auto* value = index.constant(node.input(2));
  return value != nullptr && element_count(shape_of(*value)) == 1 && float_values(*value)[0] == 0;
}

// Divided by a constant whose smallest magnitude is some steps of its encoding: one that rounds to zero would make infinity. What a
// computed divisor comes down to is not known.
bool divides_by_steps(const onnx::NodeProto& node, const GraphIndex& index) {
  constexpr float most_apart = 32;
  const auto* divisor = index.constant(node.input(1));
  if (divisor == nullptr || divisor->data_type() != onnx::TensorProto::FLOAT) return false;
  auto magnitudes = float_values(*divisor);
  std::ranges::transform(magnitudes, magnitudes.begin(), [](float value) { return std::fabs(value); });
  if (magnitudes.empty()) return false;
  const auto [least, most] = std::ranges::minmax(magnitudes);
  return least * most_apart >= most && least > 0;
}

bool has_dilations(const onnx::NodeProto& node) {
  return std::ranges::any_of(ints_attribute(node, "dilations"), [](auto dilation) { return dilation != 1; });
}

// Positions outside the input get a value of their own.
bool extrapolates(const onnx::NodeProto& node) {
  return string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" &&
         float_attribute(node, "extrapolation_value", 0) != 0;
}

// Whether the operator with these attributes and constants is one that the table's role fits.
bool fits_its_role(const onnx::NodeProto& node, Role role, const GraphIndex& index) {
  const auto& type = node.op_type();
  if (type == "Div") return divides_by_steps(node, index);
  if (type == "AveragePool") return !has_dilations(node);
  if (type == "Resize") return !extrapolates(node);
  if (type == "MaxPool") return node.output_size() < 2 || node.output(1).empty();  // indices do not survive rounding
  if (type == "Pad") return pads_with_known_values(node, index);
  return role != Role::clamp || clamp_bounds(node, index).has_value();
}

}  // namespace

bool is_in_table(const onnx::NodeProto& node) { return standard_domain(node) && roles().contains(node.op_type()); }

Role role_of(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto found = roles().find(node.op_type());
  if (!standard_domain(node) || found == roles().end()) return Role::floating;
  const Role role = found->second;
  if (role == Role::weighted && !weighted_op(node, index)) {
    return node.op_type() == "MatMul" ? Role::compute : Role::floating;
  }
  if (!fits_its_role(node, role, index)) return Role::floating;
  if (node.op_type() == "Resize") return string_attribute(node, "mode", "nearest") == "nearest" ? Role::moving : Role::compute;
  return role;
}

bool is_quantizer(const onnx::NodeProto& node) { return node.op_type() == "QuantizeLinear"; }
bool is_dequantizer(const onnx::NodeProto& node) { return node.op_type() == "DequantizeLinear"; }

bool is_integer_operator(const std::string& type) {
  return type.starts_with("QLinear") || type.starts_with("QGemm") || type.starts_with("QAttention") || type.ends_with("Integer") ||
         type == "MatMulNBits" || type == "MatMulIntegerToFloat";
}

bool is_data_input(const onnx::NodeProto& node, int input) {
  if (input < 0) return false;
  static const std::map<std::string, int> data_inputs = {{"Add", 2}, {"Sub", 2}, {"Mul", 2}, {"Div", 2}, {"MatMul", 2}, {"PRelu", 2}};
  if (node.op_type() == "Concat") return true;
  const auto found = data_inputs.find(node.op_type());
  return input < (found != data_inputs.end() ? found->second : 1);
}

bool may_be_weighted(const std::string& type) {
  const auto found = roles().find(type);
  return found != roles().end() && found->second == Role::weighted;
}

std::optional<WeightedOp> weighted_op(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!standard_domain(node) || !may_be_weighted(node.op_type()) || node.input_size() < 2) return std::nullopt;
  const auto* weight = index.initializer(node.input(1));
  if (weight == nullptr || weight->data_type() != onnx::TensorProto::FLOAT || index.constant(node.input(0)) != nullptr) return std::nullopt;

  WeightedOp op{node.input(0), node.input(1), node.input_size() > 2 ? node.input(2) : "", node.output(0)};
  const int rank = weight->dims_size();
  if (node.op_type() == "Conv" || node.op_type() == "ConvTranspose") {
    if (rank < 3) return std::nullopt;
    op.groups = int_attribute(node, "group", 1);
    op.channel_axis = node.op_type() == "Conv" ? 0 : 1;
  } else if (node.op_type() == "Gemm") {
    if (rank != 2 || int_attribute(node, "transA", 0) != 0) return std::nullopt;
    op.channel_axis = int_attribute(node, "transB", 0) != 0 ? 0 : 1;
  } else {
    if (rank < 2) return std::nullopt;
    op.channel_axis = rank == 2 ? 1 : -1;  // ONNX Runtime's integer MatMul takes per-column scales for a matrix only
  }
  const auto& dims = weight->dims();
  const bool point =
      node.op_type() == "Conv" && op.groups == 1 && std::all_of(dims.begin() + 2, dims.end(), [](auto size) { return size == 1; });
  if (point || (rank == 2 && op.channel_axis >= 0)) op.input_axis = 1 - op.channel_axis;
  if (op.channel_axis >= 0) {
    op.channels = static_cast<int>(weight->dims(op.channel_axis));
    op.outputs = node.op_type() == "ConvTranspose" ? op.channels * static_cast<int>(op.groups) : op.channels;
  } else {
    op.outputs = static_cast<int>(weight->dims(rank - 1));
  }
  return op;
}

bool is_channel_bias(const onnx::TensorProto& bias, const WeightedOp& op) {
  return bias.dims_size() > 0 && bias.dims(bias.dims_size() - 1) == op.outputs && element_count(shape_of(bias)) == op.outputs;
}

bool is_pointwise(const onnx::NodeProto& node, std::span<const std::int64_t> weight) {
  const auto all = [&](const char* attribute, std::int64_t value) {
    return std::ranges::all_of(ints_attribute(node, attribute), [&](std::int64_t v) { return v == value; });
  };
  return node.op_type() == "Conv" && standard_domain(node) && int_attribute(node, "group", 1) == 1 && all("strides", 1) && all("pads", 0) &&
         string_attribute(node, "auto_pad", "NOTSET") == "NOTSET" && weight.size() == 4 && weight[2] * weight[3] == 1;
}

std::optional<std::pair<float, float>> fixed_range(const onnx::NodeProto& node) {
  if (!standard_domain(node)) return std::nullopt;
  const auto& type = node.op_type();
  if (type == "Sigmoid" || type == "Softmax" || type == "HardSigmoid") return std::pair{0.0F, 1.0F};
  if (type == "Tanh") return std::pair{-1.0F, 1.0F};
  return std::nullopt;
}

std::optional<std::pair<float, float>> distinct_inputs(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!standard_domain(node)) return std::nullopt;
  if (node.op_type() == "HardSwish") return std::pair{-3.0F, std::numeric_limits<float>::infinity()};
  if (node.op_type() != "HardSigmoid") {
    const auto bounds = clamp_bounds(node, index);
    return bounds && bounds->first <= bounds->second ? bounds : std::nullopt;
  }
  const float alpha = float_attribute(node, "alpha", 0.2F), beta = float_attribute(node, "beta", 0.5F);
  return alpha > 0 ? std::optional(std::pair{-beta / alpha, (1 - beta) / alpha}) : std::nullopt;
}

double mean_square_slope(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!standard_domain(node)) return 1;
  if (node.op_type() == "HardSwish") return 1.0 / 12;  // of (2 x + 3) / 6 from -3 to 0
  if (node.op_type() == "LeakyRelu") {
    const double slope = float_attribute(node, "alpha", 0.01F);
    return slope * slope;
  }
  const auto* slopes = node.op_type() == "PRelu" ? index.constant(node.input(1)) : nullptr;
  if (slopes == nullptr || slopes->data_type() != onnx::TensorProto::FLOAT) return 1;
  const auto values = float_values(*slopes);
  double sum = 0;
  for (const float slope : values) sum += static_cast<double>(slope) * slope;
  return values.empty() ? 1 : sum / static_cast<double>(values.size());
}

std::optional<std::pair<float, float>> clamp_bounds(const onnx::NodeProto& node, const GraphIndex& index) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (!standard_domain(node)) return std::nullopt;
  if (node.op_type() == "Relu") return std::pair{0.0F, infinity};
  if (node.op_type() != "Clip") return std::nullopt;
  const auto low = clip_bound(node, index, "min", 1, -infinity);
  const auto high = clip_bound(node, index, "max", 2, infinity);
  if (!low || !high) return std::nullopt;
  return std::pair{*low, *high};
}

const std::string& behind_clamp(const std::string& tensor, const GraphIndex& index) {
  const int reader = index.only_reader(tensor);
  return reader >= 0 && clamp_bounds(index.node(reader), index) ? index.node(reader).output(0) : tensor;
}

}  // namespace quantize
