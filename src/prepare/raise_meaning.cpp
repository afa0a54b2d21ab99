// Operators whose attributes or defaults changed their meaning.
#include <algorithm>

#include "base/error.h"
#include "model/attribute.h"
#include "model/graph.h"
#include "prepare/raise_step.h"

namespace quantize {
namespace {

[[noreturn]] void refuse(const onnx::NodeProto& node, const std::string& reason) {
  throw Error(ErrorKind::verification, describe(node) + " cannot be expressed in a newer opset: " + reason);
}

// The shape as a Reshape takes it; at most one free dimension can be left to it.
std::string shape_for_reshape(const onnx::NodeProto& node, RaiseStep& step) {
  const auto& shape = step.types().of(node.input(0)).shape;
  if (shape && std::count(shape->begin(), shape->end(), -1) <= 1 && std::count(shape->begin(), shape->end(), 0) == 0) {
    return step.constant(node.output(0), "shape", {std::ssize(*shape)}, *shape);
  }
  std::string name = step.tensor_name(node.output(0) + "_shape");
  step.emit(make_node("Shape", std::vector{node.input(0)}, std::vector{name}));
  return name;
}

// Normalising over `axis` alone is the same as over `axis` and everything behind it where nothing is behind it.
bool is_last_with_extent(const std::optional<Shape>& shape, std::int64_t axis) {
  if (axis == -1) return true;
  if (!shape) return false;
  const auto rank = std::ssize(*shape);
  const auto from = axis < 0 ? axis + rank : axis;
  return std::all_of(shape->begin() + std::min(from + 1, rank), shape->end(), [](std::int64_t dimension) { return dimension == 1; });
}

}  // namespace

// Before 13 the axes from `axis` on were flattened into one, over which the operator normalised; now it normalises over `axis` alone.
//
//   BEFORE  y = Softmax <axis = 1> (x)                 x of shape [N, C, H, W]
//   AFTER   t = Flatten <axis = 1> (x);  s = Softmax <axis = -1> (t);  y = Reshape (s, shape of x)
void softmax_to_13(onnx::NodeProto node, RaiseStep& step) {
  const std::int64_t axis = int_attribute(node, "axis", 1);
  set_attribute(node, "axis", axis);
  if (is_last_with_extent(step.types().of(node.input(0)).shape, axis)) {
    step.emit(std::move(node));
    return;
  }
  const std::string input = node.input(0), output = node.output(0);
  const std::string flat = step.tensor_name(output + "_flat"), result = step.tensor_name(output + "_rows");
  auto flatten = make_node("Flatten", std::vector{input}, std::vector{flat});
  set_attribute(flatten, "axis", axis);
  step.emit(std::move(flatten));
  const std::string shape = shape_for_reshape(node, step);
  node.set_input(0, flat);
  node.set_output(0, result);
  set_attribute(node, "axis", std::int64_t{-1});
  step.emit(std::move(node));
  step.emit(make_node("Reshape", std::vector{result, shape}, std::vector{output}));
}

void batch_norm_to_9(onnx::NodeProto node, RaiseStep& step) {
  if (int_attribute(node, "spatial", 1) == 0) refuse(node, "spatial = 0 (a mean per pixel) no longer exists");
  remove_attribute(node, "spatial");
  step.emit(std::move(node));
}

void scatter_to_11(onnx::NodeProto node, RaiseStep& step) {
  node.set_op_type("ScatterElements");
  step.emit(std::move(node));
}

// The default was changed to "half_pixel".
void roi_align_to_16(onnx::NodeProto node, RaiseStep& step) {
  set_attribute(node, "coordinate_transformation_mode", std::string("output_half_pixel"));
  step.emit(std::move(node));
}

void grid_sample_to_20(onnx::NodeProto node, RaiseStep& step) {
  const std::string mode = string_attribute(node, "mode", "bilinear");
  if (mode == "bilinear") set_attribute(node, "mode", std::string("linear"));
  if (mode == "bicubic") set_attribute(node, "mode", std::string("cubic"));
  step.emit(std::move(node));
}

// Scale and bias went from one per group to one per channel.
void group_norm_to_21(onnx::NodeProto node, RaiseStep& step) {
  const auto& shape = step.types().of(node.input(0)).shape;
  const std::int64_t groups = int_attribute(node, "num_groups", 0);
  if (!shape || shape->size() < 2 || (*shape)[1] < 1 || groups < 1) refuse(node, "its number of channels is not known");
  const auto repeat = static_cast<std::size_t>((*shape)[1] / groups);
  for (const int i : {1, 2}) {
    const auto* constant = step.find_constant(node.input(i));
    if (constant == nullptr) refuse(node, "its scale or bias is not constant");
    std::vector<float> values;
    for (const float value : float_values(*constant)) values.insert(values.end(), repeat, value);
    const auto type = static_cast<ElementType>(constant->data_type());
    node.set_input(i, step.constant(node.output(0), i == 1 ? "scale" : "bias", {(*shape)[1]}, type, values));
  }
  step.emit(std::move(node));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the signature of the table
void cannot_raise(onnx::NodeProto node, RaiseStep& /*step*/) { refuse(node, "the operator was redefined"); }

}  // namespace quantize
