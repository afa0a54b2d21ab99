#include "model/attribute.h"

namespace quantize {
namespace {

onnx::AttributeProto& attribute_to_set(onnx::NodeProto& node, const std::string& name, onnx::AttributeProto::AttributeType type) {
  remove_attribute(node, name);
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

std::int64_t int_attribute(const onnx::NodeProto& node, std::string_view name, std::int64_t fallback) {
  const auto* attribute = find_attribute(node, name);
  return attribute != nullptr ? attribute->i() : fallback;
}

float float_attribute(const onnx::NodeProto& node, std::string_view name, float fallback) {
  const auto* attribute = find_attribute(node, name);
  return attribute != nullptr ? attribute->f() : fallback;
}

std::string string_attribute(const onnx::NodeProto& node, std::string_view name, std::string_view fallback) {
  const auto* attribute = find_attribute(node, name);
  return attribute != nullptr ? attribute->s() : std::string(fallback);
}

std::vector<std::int64_t> ints_attribute(const onnx::NodeProto& node, std::string_view name, std::vector<std::int64_t> fallback) {
  const auto* attribute = find_attribute(node, name);
  if (attribute == nullptr) return fallback;
  return {attribute->ints().begin(), attribute->ints().end()};
}

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  attribute_to_set(node, name, onnx::AttributeProto::INT).set_i(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, float value) {
  attribute_to_set(node, name, onnx::AttributeProto::FLOAT).set_f(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  attribute_to_set(node, name, onnx::AttributeProto::STRING).set_s(value);
}

void set_attribute(onnx::NodeProto& node, const std::string& name, std::span<const std::int64_t> values) {
  auto& attribute = attribute_to_set(node, name, onnx::AttributeProto::INTS);
  attribute.mutable_ints()->Assign(values.begin(), values.end());
}

void remove_attribute(onnx::NodeProto& node, std::string_view name) {
  for (int i = 0; i < node.attribute_size(); ++i) {
    if (node.attribute(i).name() == name) {
      node.mutable_attribute()->DeleteSubrange(i, 1);
      return;
    }
  }
}

}  // namespace quantize
