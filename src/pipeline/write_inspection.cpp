#include <nlohmann/json.hpp>

#include "base/shortest.h"
#include "formats/json.h"
#include "pipeline/inspect_model.h"
#include "report/words.h"

namespace quantize {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string list(const std::vector<std::string>& entries) {
  std::string text;
  for (const auto& entry : entries) text += (text.empty() ? "" : ", ") + entry;
  return text;
}

std::string describe_tensor(const InspectedTensor& tensor) {
  std::string text = "  " + padded(tensor.name, 40) + padded(tensor.type, 8);
  text += tensor.scales == 1 ? "scale " + shortest(tensor.least_scale) + ", zero point " + std::to_string(tensor.zero_point)
                             : std::to_string(tensor.scales) + " scales along axis " + std::to_string(tensor.axis) + ", " +
                                   shortest(tensor.least_scale) + " to " + shortest(tensor.largest_scale);
  if (tensor.constant && tensor.at_limits > 0) text += ", " + words::percent(tensor.at_limits) + " at the limits";
  return text + "\n";
}

// The figures over all tensors that are hard to see one by one.
std::string summary(const std::vector<InspectedTensor>& tensors) {
  std::size_t activations = 0, constants = 0, one_sided = 0;
  float least = std::numeric_limits<float>::infinity(), largest = 0;
  for (const auto& tensor : tensors) {
    (tensor.constant ? constants : activations) += 1;
    if (tensor.constant) continue;
    one_sided += tensor.saturated_zero_points > 0;
    least = std::min(least, tensor.least_scale);
    largest = std::max(largest, tensor.largest_scale);
  }
  std::string text = padded("Encodings", 12) + words::count(constants, "constant") + ", " + words::count(activations, "activation") + "\n";
  if (activations == 0) return text;
  return text + padded("", 12) + "activation scales " + shortest(least) + " to " + shortest(largest) + "; " + std::to_string(one_sided) +
         " with a saturated zero point (they cover one sign only)\n";
}

// The operators left in float are what makes a quantized model slow: all of them.
std::string kernels(const Kernels& seen) {
  std::string text = padded("Kernels", 12) + "in ONNX Runtime on a CPU: " + words::kernels(seen) + "\n";
  for (const auto& [node, op_type, reason] : seen.floats)
    text += padded("", 12) + "float: " + op_type + " '" + node + "': " + reason + "\n";
  return text;
}

}  // namespace

std::string write_inspection(const Model& model, const Inspection& seen, bool all) {
  std::string text = padded("Model", 12) + model.path.string() + ", " + words::bytes(model.bytes) + ", " + seen.scheme + "\n" +
                     padded("Format", 12) + "opset " + std::to_string(seen.opset) + ", IR " + std::to_string(seen.ir_version) +
                     (seen.producer.empty() ? "" : ", made by " + seen.producer) + "\n" + padded("Fingerprint", 12) + model.fingerprint +
                     "\n" + padded("Inputs", 12) + list(seen.inputs) + "\n" + padded("Outputs", 12) + list(seen.outputs) + "\n";
  for (const auto& [type, stored] : seen.stored) {
    text += padded(&stored == &seen.stored.begin()->second ? "Stored" : "", 12) + padded(type, 10) +
            words::count(static_cast<std::size_t>(stored.tensors), "tensor") + ", " + std::to_string(stored.values) + " values, " +
            words::bytes(stored.bytes) + "\n";
  }
  for (const auto& [type, coverage] : seen.operators) {
    text += padded(&coverage == &seen.operators.begin()->second ? "Operators" : "", 12) + padded(type, 24) +
            std::to_string(coverage.nodes) + (seen.scheme == "float" ? "" : ", " + std::to_string(coverage.quantized) + " quantized") +
            "\n";
  }
  if (seen.tensors.empty()) return text;
  text += padded("Pairs", 12) + std::to_string(seen.quantizers) + " QuantizeLinear, " + std::to_string(seen.dequantizers) +
          " DequantizeLinear\n" + (seen.kernels ? kernels(*seen.kernels) : "") + summary(seen.tensors);
  if (!all) return text + padded("", 12) + "every tensor: -v\n";
  for (const auto& tensor : seen.tensors) text += describe_tensor(tensor);
  return text;
}

std::string write_inspection_json(const Model& model, const Inspection& seen) {
  Json operators = Json::object(), stored = Json::object(), tensors = Json::array();
  for (const auto& [type, coverage] : seen.operators) operators[type] = {{"nodes", coverage.nodes}, {"quantized", coverage.quantized}};
  for (const auto& [type, kind] : seen.stored) stored[type] = {{"tensors", kind.tensors}, {"values", kind.values}, {"bytes", kind.bytes}};
  for (const auto& tensor : seen.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"type", tensor.type},
                       {"constant", tensor.constant},
                       {"axis", tensor.axis < 0 ? Json(nullptr) : Json(tensor.axis)},
                       {"scales", tensor.scales},
                       {"least_scale", tensor.least_scale},
                       {"largest_scale", tensor.largest_scale},
                       {"zero_point", tensor.zero_point},
                       {"saturated_zero_points", tensor.saturated_zero_points},
                       {"at_limits", static_cast<float>(tensor.at_limits)}});
  }
  Json kernels = nullptr;
  if (seen.kernels) {
    Json floats = Json::array();
    for (const auto& [node, op_type, reason] : seen.kernels->floats)
      floats.push_back({{"node", node}, {"op_type", op_type}, {"reason", reason}});
    kernels = {{"integer", seen.kernels->integer},
               {"float", seen.kernels->floating},
               {"conversions", seen.kernels->conversions},
               {"floats", std::move(floats)}};
  }
  return write_json_lines({{"path", model.path.string()},
                           {"fingerprint", model.fingerprint},
                           {"bytes", model.bytes},
                           {"scheme", seen.scheme},
                           {"opset", seen.opset},
                           {"ir_version", seen.ir_version},
                           {"producer", seen.producer},
                           {"inputs", seen.inputs},
                           {"outputs", seen.outputs},
                           {"operators", std::move(operators)},
                           {"stored", std::move(stored)},
                           {"kernels", std::move(kernels)},
                           {"tensors", std::move(tensors)}});
}

}  // namespace quantize
