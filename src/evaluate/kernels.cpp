#include "evaluate/kernels.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "model/attribute.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "ops/op_table.h"
#include "run/optimized_graph.h"

namespace quantize {
namespace {

enum class Values { integers, floats, other };  // quantized integers; floats; shapes, indices, truth values

Values values_of(int type) {
  if (type == onnx::TensorProto::UINT8 || type == onnx::TensorProto::INT8) return Values::integers;
  return is_float(static_cast<ElementType>(type)) ? Values::floats : Values::other;
}

// A product of integers without scale and zero point of a result.
bool gives_floats(const onnx::NodeProto& node) {
  return node.op_type() == "MatMulIntegerToFloat" || (node.op_type() == "QGemm" && node.input_size() < 8);
}

// What each tensor of an optimized graph holds. The runtime writes no types, but what an operator gives follows from its kind and from what
// it reads.
class Flow {
 public:
  explicit Flow(const onnx::GraphProto& graph) {
    for (const auto& tensor : graph.initializer()) values_[tensor.name()] = values_of(tensor.data_type());
    for (const auto& input : graph.input()) values_[input.name()] = values_of(input.type().tensor_type().elem_type());
    for (const auto& node : graph.node()) {
      for (const auto& output : node.output()) values_[output] = result_of(node);
    }
  }

  [[nodiscard]] Values of(const std::string& tensor) const {
    const auto found = values_.find(tensor);
    return found == values_.end() ? Values::other : found->second;
  }
  [[nodiscard]] Values first_input(const onnx::NodeProto& node) const { return node.input_size() > 0 ? of(node.input(0)) : Values::other; }

 private:
  [[nodiscard]] Values result_of(const onnx::NodeProto& node) const {
    static const std::set<std::string> none = {"Shape", "Size",  "ArgMax", "ArgMin",         "NonZero",     "Equal", "Less",
                                               "Not",   "IsNaN", "And",    "Greater",        "LessOrEqual", "Or",    "GreaterOrEqual",
                                               "Xor",   "IsInf", "Range",  "ConstantOfShape"};
    const auto& type = node.op_type();
    if (is_dequantizer(node) || gives_floats(node)) return Values::floats;
    if (is_quantizer(node) || is_integer_operator(type)) return Values::integers;
    if (type == "Cast") return values_of(static_cast<int>(int_attribute(node, "to", 0)));
    if (none.contains(type)) return Values::other;
    return type == "Where" && node.input_size() > 1 ? of(node.input(1)) : first_input(node);
  }

  std::map<std::string, Values> values_;
};

// The operator of the model that an operator of the optimized graph computes: of what was fused into one, that which is not a mere
// activation behind it.
const onnx::NodeProto* origin(const onnx::NodeProto& kernel, const GraphIndex& model, const std::set<std::string>& kept) {
  const onnx::NodeProto* node = kernel.output_size() > 0 ? model.producer(kernel.output(0)) : nullptr;
  const onnx::NodeProto* found = node;
  for (int steps = 0; node != nullptr && steps < 8; ++steps) {
    if (may_be_weighted(node->op_type())) return node;
    if (node->input_size() == 0 || kept.contains(node->input(0))) break;
    node = model.producer(node->input(0));
  }
  return found;
}

// Why an operator of the written model has no integer kernel.
class Reasons {
 public:
  Reasons(const GraphIndex& model, std::span<const NodeDecision> decisions) : model_(model) {
    for (const auto& decision : decisions) {
      if (!decision.quantized && !decision.reason.empty()) left_[decision.node] = decision.reason;
    }
  }

  [[nodiscard]] std::string of(const onnx::NodeProto& node) const {
    if (const auto left = left_.find(node_name(node)); left != left_.end()) return left->second;
    for (const auto& input : node.input()) {
      if (auto wide = wide_type(input); !wide.empty()) return wide;
    }
    if (const auto* product = product_before(node))
      return "it finishes the product '" + node_name(*product) + "', whose result stays float";
    if (!has_kernel(node)) return "ONNX Runtime has no integer kernel for it";
    for (int k = 0; k < node.input_size(); ++k) {
      if (!is_data_input(node, k) && !(k == 1 && may_be_weighted(node.op_type()))) continue;
      const auto* producer = model_.producer(node.input(k));
      if (model_.constant(node.input(k)) != nullptr) return "its constant '" + node.input(k) + "' is float";
      if (producer == nullptr || !is_dequantizer(*producer)) return "its input '" + node.input(k) + "' is not quantized";
    }
    return reason_behind(node);
  }

  static std::string node_name(const onnx::NodeProto& node) {
    return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
  }

 private:
  // Of a 16-bit activation or a 4-bit weight.
  [[nodiscard]] std::string wide_type(const std::string& tensor) const {
    const auto* producer = model_.producer(tensor);
    if (producer == nullptr || !is_dequantizer(*producer) || producer->input_size() < 2) return {};
    const auto* constant = model_.constant(producer->input(0));
    const auto* zero = producer->input_size() > 2 ? model_.constant(producer->input(2)) : nullptr;
    const int type = constant != nullptr ? constant->data_type() : zero != nullptr ? zero->data_type() : 0;
    if (type == onnx::TensorProto::INT4 || type == onnx::TensorProto::UINT4) return "ONNX Runtime's CPU kernels take no 4-bit weights";
    if (type == onnx::TensorProto::INT16 || type == onnx::TensorProto::UINT16)
      return "ONNX Runtime's CPU kernels take no 16-bit activations";
    return {};
  }

  // The integer matrix product with a float result whose values this Transpose or Reshape moves; null for others.
  [[nodiscard]] const onnx::NodeProto* product_before(const onnx::NodeProto& node) const {
    if (node.op_type() != "Transpose" && node.op_type() != "Reshape") return nullptr;
    const auto* source = model_.producer(node.input(0));
    if (source == nullptr || source->op_type() != "Gemm") return source != nullptr ? product_before(*source) : nullptr;
    const auto* input = model_.producer(source->input(0));
    return input != nullptr && is_dequantizer(*input) ? source : nullptr;
  }

  [[nodiscard]] bool has_kernel(const onnx::NodeProto& node) const {
    static const std::set<std::string> computing = {
        "Conv", "Gemm", "MatMul", "Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "Sigmoid", "LeakyRelu", "Softmax", "Where"};
    const Role role = role_of(node, model_);
    return computing.contains(node.op_type()) || role == Role::moving || role == Role::clamp;
  }

  // All it reads is quantized: what it gives is not.
  [[nodiscard]] std::string reason_behind(const onnx::NodeProto& node) const {
    const auto& result = node.output(0);
    if (model_.is_graph_output(result)) return "its result leaves the model in float";
    for (const auto& use : model_.uses(result)) {
      const auto& reader = model_.node(use.node);
      if (is_quantizer(reader)) continue;
      return "its result is read in float by " + reader.op_type() + " '" + node_name(reader) + "'";
    }
    return "ONNX Runtime did not fuse it";
  }

  const GraphIndex& model_;
  std::map<std::string, std::string> left_;
};

}  // namespace

Kernels kernels_of(const onnx::GraphProto& model, const onnx::GraphProto& optimized, std::span<const NodeDecision> decisions) {
  const GraphIndex index(model);
  const Reasons reasons(index, decisions);
  const Flow flow(optimized);
  std::set<std::string> kept;  // tensors that the runtime's graph still has
  for (const auto& node : optimized.node()) kept.insert(node.output().begin(), node.output().end());
  Kernels kernels;
  for (const auto& node : optimized.node()) {
    if (node.output_size() == 0 || node.op_type() == "Shape" || node.op_type() == "Size") continue;
    const Values in = flow.first_input(node), out = flow.of(node.output(0));
    if (is_quantizer(node) || is_dequantizer(node)) {
      ++kernels.conversions;
    } else if (is_integer_operator(node.op_type()) || in == Values::integers) {
      ++kernels.integer;
    } else if (in == Values::floats || out == Values::floats) {
      ++kernels.floating;
      const auto* from = origin(node, index, kept);
      if (from == nullptr) from = &node;
      kernels.floats.push_back({Reasons::node_name(*from), from->op_type(), reasons.of(*from)});
    }
  }
  return kernels;
}

std::optional<Kernels> kernels_in_runtime(const Model& model, std::span<const NodeDecision> decisions) {
  try {
    return kernels_of(model.graph(), optimized_graph(model.proto, model.limits).graph(), decisions);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace quantize
