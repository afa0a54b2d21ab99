#include "prepare/channel_walk.h"

#include <algorithm>
#include <set>

#include "model/attribute.h"
#include "prepare/channel_affine.h"

namespace quantize {
namespace {

// Every value of the result lies between values of x of the same channel.
bool interpolates(const onnx::NodeProto& node) {
  const std::string mode = string_attribute(node, "mode", "nearest");
  return node.op_type() == "Resize" && mode != "cubic" &&
         string_attribute(node, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
}

bool pads(const onnx::NodeProto& node) {
  const auto given = ints_attribute(node, "pads");
  return string_attribute(node, "auto_pad", "NOTSET") != "NOTSET" || int_attribute(node, "ceil_mode", 0) != 0 ||
         std::ranges::any_of(given, [](std::int64_t pad) { return pad != 0; });
}

}  // namespace

std::int64_t ChannelWalk::channels(const std::string& tensor) const {
  const auto& shape = types_.of(tensor).shape;
  return shape && shape->size() > 2 ? (*shape)[1] : -1;
}

std::optional<ChannelOperand> ChannelWalk::operand(const onnx::NodeProto& node, const std::string& type) const {
  if (node.op_type() != type || !standard_domain(node) || node.input_size() != 2) return {};
  const int tensor = index_.initializer(node.input(1)) != nullptr ? 0 : 1;
  const auto* constant = index_.initializer(node.input(1 - tensor));
  const auto count = channels(node.input(tensor));
  if (constant == nullptr || count < 1) return {};
  auto values = per_channel(*constant, types_.rank(node.input(tensor)), count);
  if (!values) return {};
  return ChannelOperand{tensor, std::move(*values)};
}

bool ChannelWalk::joins_channels(const onnx::NodeProto& node) const {
  if (node.op_type() != "Concat" || !standard_domain(node)) return false;
  const auto axis = int_attribute(node, "axis", 0);
  return (axis < 0 ? axis + rank(node.output(0)) : axis) == 1;
}

bool ChannelWalk::adds_channels(const onnx::NodeProto& node, int operand) const {
  if (node.op_type() != "Add" || !standard_domain(node) || node.input(0) == node.input(1)) return false;
  const auto &added = node.input(operand), &sum = node.output(0);
  return channels(added) > 0 && channels(added) == channels(sum) && rank(added) == rank(sum);
}

bool ChannelWalk::keeps_factors(const onnx::NodeProto& node) const {
  static const std::set<std::string> types = {"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"};
  if (!standard_domain(node) || node.output_size() != 1) return false;
  return types.contains(node.op_type()) || interpolates(node) ||
         (node.op_type() == "PRelu" && index_.initializer(node.input(1)) != nullptr);
}

bool ChannelWalk::keeps_summands(const onnx::NodeProto& node) const {
  static const std::set<std::string> means = {"GlobalAveragePool", "GlobalMaxPool"};
  if (!standard_domain(node) || node.output_size() != 1) return false;
  return means.contains(node.op_type()) || interpolates(node) ||
         ((node.op_type() == "AveragePool" || node.op_type() == "MaxPool") && !pads(node));
}

bool reads_shape_only(const onnx::NodeProto& node) { return node.op_type() == "Shape" && standard_domain(node); }

bool has_constant_operand(const onnx::GraphProto& graph, const std::set<std::string>& types) {
  const GraphIndex index(graph);
  return std::ranges::any_of(graph.node(), [&](const auto& node) {
    return types.contains(node.op_type()) &&
           std::ranges::any_of(node.input(), [&](const auto& name) { return index.initializer(name) != nullptr; });
  });
}

}  // namespace quantize
