#include "prepare/linear_node.h"

#include <algorithm>

#include "model/attribute.h"
#include "prepare/channel_affine.h"

namespace quantize {
namespace {

bool is_float(const onnx::TensorProto& tensor) { return quantize::is_float(static_cast<ElementType>(tensor.data_type())); }

std::optional<LinearNode::Kind> kind_of(const onnx::NodeProto& node) {
  if (!standard_domain(node)) return {};
  if (node.op_type() == "Conv") return LinearNode::Kind::conv;
  if (node.op_type() == "ConvTranspose") return LinearNode::Kind::conv_transpose;
  if (node.op_type() == "Gemm") return LinearNode::Kind::gemm;
  return {};
}

// Channels and groups from the weight's shape; false where they do not fit together.
bool read_channels(LinearNode& linear) {
  const auto rows = linear.weight->dims(0), columns = linear.weight->dims(1);
  linear.groups = linear.kind == LinearNode::Kind::gemm ? 1 : int_attribute(*linear.node, "group", 1);
  if (linear.groups < 1 || rows < 1 || columns < 1 || rows % linear.groups != 0) return false;
  const bool row_is_output = linear.kind == LinearNode::Kind::conv || linear.transposed;
  linear.outputs = row_is_output ? rows : columns * linear.groups;
  linear.inputs = row_is_output ? columns * linear.groups : rows;
  return true;
}

// A Gemm's third input may be a whole matrix; only what is the same for every row is a bias.
bool is_one_per_channel(const onnx::TensorProto& bias, std::int64_t channels) {
  const auto count = element_count(shape_of(bias));
  if (bias.dims_size() == 0) return true;
  const auto last = bias.dims(bias.dims_size() - 1);
  return count == last && (last == channels || last == 1);
}

}  // namespace

std::optional<LinearNode> linear_node(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto kind = kind_of(node);
  if (!kind || node.input_size() < 2) return {};
  LinearNode linear;
  linear.kind = *kind;
  linear.node = &node;
  linear.weight = index.initializer(node.input(1));
  const bool is_gemm = linear.kind == LinearNode::Kind::gemm;
  if (linear.weight == nullptr || !is_float(*linear.weight) || (is_gemm ? linear.weight->dims_size() != 2 : linear.weight->dims_size() < 3))
    return {};
  if (node.input_size() > 2 && !node.input(2).empty()) {
    linear.bias = index.initializer(node.input(2));
    if (linear.bias == nullptr || !is_float(*linear.bias)) return {};
  }
  if (is_gemm) {
    linear.transposed = int_attribute(node, "transB", 0) != 0;
    linear.alpha = static_cast<double>(float_attribute(node, "alpha", 1));
    linear.beta = static_cast<double>(float_attribute(node, "beta", 1));
  }
  if (!read_channels(linear)) return {};
  if (linear.bias != nullptr && !is_one_per_channel(*linear.bias, linear.outputs)) return {};
  return linear;
}

std::vector<double> LinearNode::bias_values() const {
  std::vector<double> values(static_cast<std::size_t>(outputs), 0.0);
  if (bias == nullptr) return values;
  const auto given = double_values(*bias);
  for (std::size_t c = 0; c < values.size(); ++c) values[c] = beta * given[given.size() == 1 ? 0 : c];
  return values;
}

bool LinearNode::reads_channels() const {
  // Each output of a ConvTranspose sees another part of its kernel near the border; a factor would be fine, but nobody puts a
  // BatchNormalization there.
  return kind == Kind::conv || (kind == Kind::gemm && int_attribute(*node, "transA", 0) == 0);
}

bool LinearNode::reads_no_padding() const {
  if (kind == Kind::gemm) return true;
  const std::string automatic = string_attribute(*node, "auto_pad", "NOTSET");
  if (automatic == "VALID") return true;
  const auto pads = ints_attribute(*node, "pads");
  return automatic == "NOTSET" && std::all_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad == 0; });
}

}  // namespace quantize
