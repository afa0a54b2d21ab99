// Upsample (opset 7 to 9) and Resize of opset 10 computed the source coordinate as x / scale: what later versions call "asymmetric". ONNX's
// own version converter leaves the new default, "half_pixel", in place, and the image moves by half a pixel. Here every rule is written
// out.
//
//   BEFORE  y = Upsample <mode = "nearest", scales = [1,1,2,2]> (x)
//   AFTER   y = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (x, , y_scales)
//
// In nearest mode ONNX Runtime, whose results are the ones people have seen, rounds the coordinate down along an axis that grows and up
// along an axis that shrinks. Later versions round all axes alike, so a Resize that does both becomes two, which is exact because nearest
// works axis by axis.
#include <algorithm>

#include "model/attribute.h"
#include "prepare/raise_step.h"

namespace quantize {
namespace {

onnx::NodeProto resize(const onnx::NodeProto& old, const std::string& input, const std::string& scales, const std::string& output) {
  onnx::NodeProto node = old;
  node.clear_input();
  for (const auto& name : {input, std::string(), scales}) node.add_input(name);
  node.set_output(0, output);
  set_attribute(node, "coordinate_transformation_mode", std::string("asymmetric"));
  return node;
}

}  // namespace

void upsample_to_9(onnx::NodeProto node, RaiseStep& step) {
  const auto* attribute = find_attribute(node, "scales");
  std::vector<float> scales;
  if (attribute != nullptr) scales.assign(attribute->floats().begin(), attribute->floats().end());
  remove_attribute(node, "scales");
  node.add_input(step.constant(node.output(0), "scales", {std::ssize(scales)}, onnx::TensorProto::FLOAT, scales));
  step.emit(std::move(node));
}

void upsample_to_10(onnx::NodeProto node, RaiseStep& step) {
  node.set_op_type("Resize");
  step.emit(std::move(node));
}

void resize_to_11(onnx::NodeProto node, RaiseStep& step) {
  const std::string input = node.input(0), scales_name = node.input(1), output = node.output(0);
  if (string_attribute(node, "mode", "nearest") != "nearest") {
    step.emit(resize(node, input, scales_name, output));
    return;
  }
  const auto* constant = step.find_constant(scales_name);
  const auto scales =
      constant != nullptr ? float_values(*constant) : std::vector<float>();  // not known: taken to grow; the parity check will tell
  const bool shrinks = std::any_of(scales.begin(), scales.end(), [](float scale) { return scale < 1; });
  const bool grows = std::any_of(scales.begin(), scales.end(), [](float scale) { return scale > 1; });
  const auto emit = [&](const std::string& from, const std::string& by, const std::string& to, const std::string& rounding) {
    auto one = resize(node, from, by, to);
    set_attribute(one, "nearest_mode", rounding);
    step.emit(std::move(one));
  };
  if (!shrinks || !grows) {
    emit(input, scales_name, output, shrinks ? "ceil" : "floor");
    return;
  }
  std::vector<float> up, down;
  for (const float scale : scales) {
    up.push_back(std::max(scale, 1.0F));
    down.push_back(std::min(scale, 1.0F));
  }
  const std::string middle = step.tensor_name(output + "_shrunk");
  const Shape shape = {std::ssize(scales)};
  emit(input, step.constant(output, "scales_down", shape, onnx::TensorProto::FLOAT, down), middle, "ceil");
  emit(middle, step.constant(output, "scales_up", shape, onnx::TensorProto::FLOAT, up), output, "floor");
}

}  // namespace quantize
