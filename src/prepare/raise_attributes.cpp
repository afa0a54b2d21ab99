// Attributes that became inputs. The values are the same; they move into initializers named after the node's output: "y_min", "y_axes".
//
//   BEFORE  y = Clip <min = 0.0, max = 6.0> (x)
//   AFTER   y = Clip (x, y_min, y_max)              with initializers y_min = 0, y_max = 6
#include <limits>

#include "model/attribute.h"
#include "prepare/raise_step.h"

namespace quantize {
namespace {

void put_input(onnx::NodeProto& node, int position, const std::string& name) {
  while (node.input_size() <= position) node.add_input();
  node.set_input(position, name);
}

// Moves a list of integers; does nothing where the node does not have it.
void ints_to_input(onnx::NodeProto& node, RaiseStep& step, const std::string& attribute, int position) {
  if (find_attribute(node, attribute) == nullptr) return;
  const auto values = ints_attribute(node, attribute);
  put_input(node, position, step.constant(node.output(0), attribute, {std::ssize(values)}, values));
  remove_attribute(node, attribute);
}

// A constant that takes part in the computation has the type of the data.
ElementType data_type(const onnx::NodeProto& node, const RaiseStep& step) {
  const auto type = step.types().of(node.input(0)).type;
  return type == onnx::TensorProto::DOUBLE || type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16
             ? type
             : onnx::TensorProto::FLOAT;
}

void bound_to_input(onnx::NodeProto& node, RaiseStep& step, const std::string& attribute, int position) {
  if (find_attribute(node, attribute) == nullptr) return;
  const float bound = float_attribute(node, attribute, 0);
  remove_attribute(node, attribute);
  if (std::abs(bound) >= std::numeric_limits<float>::max()) return;  // how exporters wrote "none"
  put_input(node, position, step.constant(node.output(0), attribute, {}, data_type(node, step), {bound}));
}

}  // namespace

void clip_to_11(onnx::NodeProto node, RaiseStep& step) {
  bound_to_input(node, step, "min", 1);
  bound_to_input(node, step, "max", 2);
  step.emit(std::move(node));
}

void pad_to_11(onnx::NodeProto node, RaiseStep& step) {
  ints_to_input(node, step, "pads", 1);
  const float value = float_attribute(node, "value", 0);
  remove_attribute(node, "value");
  if (value != 0 && string_attribute(node, "mode", "constant") == "constant") {
    put_input(node, 2, step.constant(node.output(0), "value", {}, data_type(node, step), {value}));
  }
  step.emit(std::move(node));
}

void slice_to_10(onnx::NodeProto node, RaiseStep& step) {
  ints_to_input(node, step, "starts", 1);
  ints_to_input(node, step, "ends", 2);
  ints_to_input(node, step, "axes", 3);
  step.emit(std::move(node));
}

void top_k_to_10(onnx::NodeProto node, RaiseStep& step) {
  const std::int64_t k = int_attribute(node, "k", 1);
  remove_attribute(node, "k");
  put_input(node, 1, step.constant(node.output(0), "k", {1}, {k}));
  step.emit(std::move(node));
}

// The ratio acts in training only, and that needs an input which older models do not have.
void dropout_to_12(onnx::NodeProto node, RaiseStep& step) {
  remove_attribute(node, "ratio");
  step.emit(std::move(node));
}

void axes_to_input(onnx::NodeProto node, RaiseStep& step) {
  ints_to_input(node, step, "axes", 1);
  step.emit(std::move(node));
}

void split_to_13(onnx::NodeProto node, RaiseStep& step) {
  ints_to_input(node, step, "split", 1);
  step.emit(std::move(node));
}

// Equal parts used to be the meaning of saying nothing.
void split_to_18(onnx::NodeProto node, RaiseStep& step) {
  if (node.input_size() < 2 || node.input(1).empty()) set_attribute(node, "num_outputs", static_cast<std::int64_t>(node.output_size()));
  step.emit(std::move(node));
}

void dft_to_20(onnx::NodeProto node, RaiseStep& step) {
  const std::int64_t axis = int_attribute(node, "axis", 1);
  remove_attribute(node, "axis");
  put_input(node, 2, step.constant(node.output(0), "axis", {}, {axis}));
  step.emit(std::move(node));
}

}  // namespace quantize
