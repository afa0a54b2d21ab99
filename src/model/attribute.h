// Typed reading of node attributes, with the operator's default.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

// Null where the node has no attribute of that name.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name);
std::int64_t int_attribute(const onnx::NodeProto& node, std::string_view name, std::int64_t fallback);
float float_attribute(const onnx::NodeProto& node, std::string_view name, float fallback);
std::string string_attribute(const onnx::NodeProto& node, std::string_view name, std::string_view fallback);
std::vector<std::int64_t> ints_attribute(const onnx::NodeProto& node, std::string_view name, std::vector<std::int64_t> fallback = {});

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value);
void set_attribute(onnx::NodeProto& node, const std::string& name, float value);
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& value);
void set_attribute(onnx::NodeProto& node, const std::string& name, std::span<const std::int64_t> values);
void remove_attribute(onnx::NodeProto& node, std::string_view name);

}  // namespace quantize
