#include "rewrite/output_type.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "base/error.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/metadata.h"
#include "prepare/value_types.h"
#include "run/session.h"

namespace quantize {
namespace {

onnx::TypeProto::Tensor& type_of(onnx::ValueInfoProto& value) { return *value.mutable_type()->mutable_tensor_type(); }

// The node that makes `tensor` makes `name` instead, and everybody who read it reads that.
void rename_tensor(onnx::GraphProto& graph, const std::string& tensor, const std::string& name) {
  for (auto& node : *graph.mutable_node()) {
    for (auto& output : *node.mutable_output()) {
      if (output == tensor) output = name;
    }
  }
  replace_uses(graph, tensor, name);
}

std::string key_of_classes(const onnx::ModelProto& model) { return "quantize.classes." + model.graph().output(0).name(); }

// The number that the metadata hold under `key`.
template <typename T>
std::optional<T> number_in_metadata(const onnx::ModelProto& model, const std::string& key) {
  const std::string text = metadata(model, key).value_or("");
  T value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() ? std::optional(value) : std::nullopt;
}

// Digits enough to give back the same float.
std::string exact(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

}  // namespace

std::vector<IntegerOutput> give_integers(Model& quantized) {
  auto& graph = quantized.graph();
  std::vector<IntegerOutput> given;
  NameMaker names(graph);
  for (auto& output : *graph.mutable_output()) {
    auto& type = type_of(output);
    if (type.elem_type() != onnx::TensorProto::FLOAT) continue;
    const GraphIndex index(graph);
    const auto* dequantizer = index.producer(output.name());
    const auto* quantizer =
        dequantizer != nullptr && dequantizer->op_type() == "DequantizeLinear" ? index.producer(dequantizer->input(0)) : nullptr;
    if (quantizer == nullptr || quantizer->op_type() != "QuantizeLinear")
      throw Error(ErrorKind::usage,
                  "output '" + output.name() + "' is not quantized, so there are no integers to give (--output-dtype int)");
    const auto* zero = index.initializer(dequantizer->input(2));
    const IntegerOutput one{output.name(), static_cast<ElementType>(zero->data_type()),
                            float_values(*index.initializer(dequantizer->input(1)))[0], int_values(*zero)[0]};
    const std::string integers = quantizer->output(0);
    rename_tensor(graph, output.name(), names.unique(output.name() + "_dequantized"));  // for readers inside the graph, if there are any
    rename_tensor(graph, integers, output.name());
    type.set_elem_type(one.type);
    add_metadata(quantized.proto, "quantize.scale." + one.name, exact(one.scale));
    add_metadata(quantized.proto, "quantize.zero_point." + one.name, std::to_string(one.zero_point));
    given.push_back(one);
  }
  remove_unused(graph);
  return given;
}

std::optional<IntegerOutput> integer_output(const onnx::ModelProto& model) {
  const auto& output = model.graph().output(0);
  const auto scale = number_in_metadata<float>(model, "quantize.scale." + output.name());
  const auto zero_point = number_in_metadata<std::int32_t>(model, "quantize.zero_point." + output.name());
  if (!scale || !zero_point) return std::nullopt;
  return IntegerOutput{output.name(), static_cast<ElementType>(output.type().tensor_type().elem_type()), *scale, *zero_point};
}

bool give_floats(onnx::ModelProto& model) {
  const auto given = integer_output(model);
  if (!given) return false;
  auto& graph = *model.mutable_graph();
  const std::string name = given->name;
  const auto zero_point = static_cast<std::int32_t>(given->zero_point);
  NameMaker names(graph);
  const std::string inputs[] = {names.unique(name + "_integers"), names.unique(name + "_scale"), names.unique(name + "_zero_point")};
  rename_tensor(graph, name, inputs[0]);
  put_initializer(graph, make_tensor(inputs[1], {}, std::span(&given->scale, 1)));
  put_initializer(graph, make_tensor(inputs[2], {}, given->type, std::span(&zero_point, 1)));
  auto& node = *graph.add_node() = make_node("DequantizeLinear", inputs, {&name, 1});
  node.set_name(names.unique(name + "_DequantizeLinear"));
  type_of(*graph.mutable_output(0)).set_elem_type(onnx::TensorProto::FLOAT);
  return true;
}

Shape first_output_shape(const onnx::ModelProto& model, std::span<const Tensor> inputs) {
  const auto inferred = ValueTypes(model).of(model.graph().output(0).name()).shape;
  return inferred && !is_free_behind_batch(*inferred) ? *inferred : Session(model).run(inputs)[0].shape;
}

void give_classes(Model& quantized, std::optional<int> axis, const Shape& shape) {
  auto& graph = quantized.graph();
  auto& output = *graph.mutable_output(0);
  auto& type = type_of(output);
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::usage, "output '" + output.name() + "' " + why + " (--output-dtype argmax)");
  };
  if (type.elem_type() != onnx::TensorProto::FLOAT || static_cast<int>(shape.size()) <= axis.value_or(0))
    refuse("holds no 32-bit float per class");
  const std::int64_t channels = axis ? shape[static_cast<std::size_t>(*axis)] : 1;
  if (channels < 1) refuse("does not tell how many classes it has");
  NameMaker names(graph);
  const std::string logits = names.unique(output.name() + "_logits"), classes = names.unique(output.name() + "_classes");
  rename_tensor(graph, output.name(), logits);
  const auto add = [&](const std::string& op_type, const std::vector<std::string>& inputs, const std::string& result) -> auto& {
    auto& node = *graph.add_node() = make_node(op_type, inputs, {&result, 1});
    node.set_name(names.unique(result + "_" + op_type));
    return node;
  };
  if (channels == 1) {
    const std::string half = names.unique("half"), over = axis ? names.unique(logits + "_over_half") : classes;
    put_initializer(graph, make_tensor(half, {}, std::vector<float>{0.5F}));
    add("Greater", {logits, half}, over);
    if (axis) {
      const std::string axes = names.unique("class_axis");
      put_initializer(graph, make_tensor(axes, {1}, std::vector<std::int64_t>{*axis}));
      add("Squeeze", {over, axes}, classes);
    }
  } else {
    auto& node = add("ArgMax", {logits}, classes);
    set_attribute(node, "axis", std::int64_t{*axis});
    set_attribute(node, "keepdims", std::int64_t{0});
  }
  const auto result = channels > 256 ? onnx::TensorProto::INT64 : onnx::TensorProto::UINT8;
  set_attribute(add("Cast", {classes}, output.name()), "to", std::int64_t{result});
  type.set_elem_type(result);
  auto& dimensions = *type.mutable_shape()->mutable_dim();
  if (dimensions.size() != static_cast<int>(shape.size())) {  // declared with another rank than it has, or not at all
    dimensions.Clear();
    while (dimensions.size() < static_cast<int>(shape.size())) dimensions.Add();
  }
  if (axis) dimensions.DeleteSubrange(*axis, 1);
  add_metadata(quantized.proto, key_of_classes(quantized.proto), "argmax");
}

bool gives_classes(const onnx::ModelProto& model) { return metadata(model, key_of_classes(model)).has_value(); }

}  // namespace quantize
