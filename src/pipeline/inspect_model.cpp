#include "pipeline/inspect_model.h"

#include <algorithm>
#include <set>

#include "encode/encodings.h"
#include "model/attribute.h"
#include "model/graph.h"

namespace quantize {
namespace {

std::string describe_value(const onnx::ValueInfoProto& value) {
  const auto& tensor = value.type().tensor_type();
  std::string shape;
  for (const auto& dimension : tensor.shape().dim()) {
    shape += shape.empty() ? "" : "x";
    shape += dimension.has_dim_value()       ? std::to_string(dimension.dim_value())
             : dimension.dim_param().empty() ? "?"
                                             : dimension.dim_param();
  }
  return value.name() + " " + type_name(static_cast<ElementType>(tensor.elem_type())) + " " + (shape.empty() ? "scalar" : shape);
}

bool has_range(ElementType type) {
  return type == onnx::TensorProto::INT4 || type == onnx::TensorProto::UINT4 || type == onnx::TensorProto::INT8 ||
         type == onnx::TensorProto::UINT8 || type == onnx::TensorProto::INT16 || type == onnx::TensorProto::UINT16;
}

std::uint64_t bytes_of(const onnx::TensorProto& tensor, std::int64_t values) {
  const auto type = static_cast<ElementType>(tensor.data_type());
  if (type == onnx::TensorProto::INT4 || type == onnx::TensorProto::UINT4) return static_cast<std::uint64_t>((values + 1) / 2);
  return static_cast<std::uint64_t>(values) * element_size(type);
}

double share_at_limits(const onnx::TensorProto& tensor, ElementType type) {
  const auto range = integer_range(type, true);
  const auto values = int_values(tensor);
  const auto at_limits =
      std::count_if(values.begin(), values.end(), [&](std::int64_t value) { return value <= range.low || value >= range.high; });
  return values.empty() ? 0 : static_cast<double>(at_limits) / static_cast<double>(values.size());
}

InspectedTensor inspect_tensor(const onnx::NodeProto& node, const GraphIndex& index) {
  InspectedTensor seen;
  const auto* values = index.constant(node.input(0));
  const auto* quantizer = index.producer(node.input(0));
  seen.constant = values != nullptr;
  seen.name = quantizer != nullptr && is_quantizer(*quantizer) ? quantizer->input(0) : node.input(0);
  const auto* zero = node.input_size() > 2 && !node.input(2).empty() ? index.constant(node.input(2)) : nullptr;
  const auto type = values != nullptr ? values->data_type()
                    : zero != nullptr ? zero->data_type()
                                      : static_cast<int>(onnx::TensorProto::UINT8);
  seen.type = type_name(static_cast<ElementType>(type));
  if (const auto* scale = index.constant(node.input(1))) {
    const auto scales = float_values(*scale);
    seen.scales = scales.size();
    const auto axis = static_cast<int>(int_attribute(node, "axis", 1));
    const int rank = values != nullptr ? values->dims_size() : 0;  // to count from, where the axis is counted from behind
    seen.axis = scales.size() > 1 ? axis + (axis < 0 ? rank : 0) : -1;
    if (!scales.empty()) {
      const auto [least, largest] = std::minmax_element(scales.begin(), scales.end());
      seen.least_scale = *least, seen.largest_scale = *largest;
    }
  }
  if (!has_range(static_cast<ElementType>(type))) return seen;
  const auto range = integer_range(static_cast<ElementType>(type));
  if (zero != nullptr) {
    const auto points = int_values(*zero);
    if (!points.empty()) seen.zero_point = points[0];
    seen.saturated_zero_points = static_cast<std::size_t>(
        std::count_if(points.begin(), points.end(), [&](std::int64_t point) { return point == range.low || point == range.high; }));
  } else if (range.low == 0) {
    seen.saturated_zero_points = seen.scales;  // left out: zero, the low end of an unsigned type
  }
  if (values != nullptr) seen.at_limits = share_at_limits(*values, static_cast<ElementType>(type));
  return seen;
}

// "4/8" from the types of weights or activations; int32 biases do not count.
std::string bits_of(const std::vector<InspectedTensor>& tensors, bool constant) {
  std::set<int> found;
  for (const auto& tensor : tensors) {
    if (tensor.constant != constant || tensor.type.ends_with("32")) continue;
    found.insert(tensor.type.ends_with("16") ? 16 : tensor.type.ends_with("8") ? 8 : 4);
  }
  std::string text;
  for (const int bits : found) text += (text.empty() ? "" : "/") + std::to_string(bits);
  return text;
}

}  // namespace

Inspection inspect(const Model& model) {
  const auto& graph = model.graph();
  const GraphIndex index(graph);
  Inspection seen;
  seen.producer = model.proto.producer_name() + (model.proto.producer_version().empty() ? "" : " " + model.proto.producer_version());
  seen.opset = opset_of(model.proto);
  seen.ir_version = model.proto.ir_version();
  for (const auto* input : fed_inputs(graph)) seen.inputs.push_back(describe_value(*input));
  for (const auto& output : graph.output()) seen.outputs.push_back(describe_value(output));
  for (const auto& tensor : graph.initializer()) {
    auto& stored = seen.stored[type_name(static_cast<ElementType>(tensor.data_type()))];
    const auto values = element_count(shape_of(tensor));
    ++stored.tensors;
    stored.values += values;
    stored.bytes += bytes_of(tensor, values);
  }
  for (const auto& node : graph.node()) {
    if (is_quantizer(node)) {
      ++seen.quantizers;
    } else if (is_dequantizer(node)) {
      ++seen.dequantizers;
      if (node.input_size() > 1) seen.tensors.push_back(inspect_tensor(node, index));
    } else {
      auto& coverage = seen.operators[node.op_type()];
      const auto* producer = node.input_size() > 0 ? index.producer(node.input(0)) : nullptr;
      const bool fed_integers = producer != nullptr && is_dequantizer(*producer);
      ++coverage.nodes;
      coverage.quantized += fed_integers || is_integer_operator(node.op_type());
    }
  }
  const std::string weights = bits_of(seen.tensors, true), activations = bits_of(seen.tensors, false);
  seen.scheme = (weights.empty() ? "" : "w" + weights) + (activations.empty() ? "" : "a" + activations);
  if (seen.scheme.empty()) seen.scheme = "float";
  return seen;
}

bool is_quantized(const Inspection& inspection) {
  const bool computed = std::ranges::any_of(inspection.operators, [](const auto& type) { return type.second.quantized > 0; });
  return inspection.quantizers + inspection.dequantizers > 0 || computed;
}

}  // namespace quantize
