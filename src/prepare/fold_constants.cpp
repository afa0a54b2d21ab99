// What depends on constants only is computed once, by ONNX Runtime. The size of a tensor whose shape is known counts as a constant, so the
// Shape -> Gather -> Concat -> Resize chains of PyTorch's exporter vanish.
//
//   BEFORE  s = Shape (x);  h = Gather (s, 2);  h2 = Mul (h, two);  sizes = Concat (n, c, h2, w2);  y = Resize (x, , , sizes)
//   AFTER   y = Resize (x, , , sizes)                                                                with initializer sizes
//
// Folding makes more shapes known (here y's, and all that follow), so inference and folding alternate until nothing changes. An If whose
// condition turns out constant is replaced by its branch at once: ONNX Runtime refuses some models in which such an If is left.
#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/inline_ifs.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr int most_rounds = 32;                            // each round needs a chain that hangs on the one before
constexpr std::int64_t largest_result = 64 * 1024 * 1024;  // bytes; a file should not grow by a ConstantOfShape written out

// Random operators differ from run to run; DequantizeLinear of a constant is a weight that shall stay quantized.
bool is_foldable_kind(const onnx::NodeProto& node) {
  static const std::set<std::string> kept = {
      "RandomNormal", "RandomNormalLike", "RandomUniform",  "RandomUniformLike", "Multinomial",
      "Bernoulli",    "Dropout",          "QuantizeLinear", "DequantizeLinear",  "DynamicQuantizeLinear"};
  return standard_domain(node) && !kept.contains(node.op_type()) && bodies(node).empty();
}

// The value of Shape and Size where it follows from the inferred shape; Shape's start and end may pick the known dimensions only.
std::optional<onnx::TensorProto> shape_value(const onnx::NodeProto& node, const ValueTypes& types) {
  const bool is_shape = node.op_type() == "Shape";
  if (!standard_domain(node) || (!is_shape && node.op_type() != "Size")) return {};
  const auto& type = types.of(node.input(0));
  if (!type.shape) return {};
  const auto rank = static_cast<std::int64_t>(type.shape->size());
  const auto position = [&](const char* name, std::int64_t fallback) {
    const std::int64_t value = int_attribute(node, name, fallback);
    return std::clamp<std::int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  const std::int64_t start = position("start", 0), end = std::max(start, position("end", rank));
  const Shape picked(type.shape->begin() + start, type.shape->begin() + end);
  if (std::any_of(picked.begin(), picked.end(), [](std::int64_t dimension) { return dimension < 0; })) return {};
  if (is_shape) return make_tensor(node.output(0), {end - start}, picked);
  return make_tensor(node.output(0), {}, Shape{element_count(picked)});
}

// Gather (Shape (x), constant) where the dimensions it picks are known although others (the batch) are not.
std::optional<onnx::TensorProto> gathered_dimension(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types) {
  if (!standard_domain(node) || node.op_type() != "Gather") return {};
  const auto* shape_node = index.producer(node.input(0));
  const auto* indices = index.constant(node.input(1));
  if (shape_node == nullptr || shape_node->op_type() != "Shape" || shape_node->attribute_size() > 0 || indices == nullptr) return {};
  const auto& type = types.of(shape_node->input(0));
  if (!type.shape) return {};
  const auto rank = static_cast<std::int64_t>(type.shape->size());
  Shape picked;
  for (const std::int64_t at : int_values(*indices)) {
    const std::int64_t dimension = at < 0 ? at + rank : at;
    if (dimension < 0 || dimension >= rank || (*type.shape)[static_cast<std::size_t>(dimension)] < 0) return {};
    picked.push_back((*type.shape)[static_cast<std::size_t>(dimension)]);
  }
  return make_tensor(node.output(0), shape_of(*indices), picked);
}

// Nodes to compute, and values known without computing.
struct Plan {
  std::vector<int> nodes;
  std::vector<onnx::TensorProto> known;
};

bool too_large(const onnx::NodeProto& node, const ValueTypes& types) {
  const auto bytes = [&](const std::string& name) -> std::int64_t {
    const auto& type = types.of(name);
    return type.is_static() ? element_count(*type.shape) * static_cast<std::int64_t>(element_size(type.type)) : 0;
  };
  std::int64_t before = 0, after = 0;
  for (const auto& name : node.input()) before += bytes(name);
  for (const auto& name : node.output()) after += bytes(name);
  return after > largest_result && after > before;
}

Plan find(const onnx::GraphProto& graph, const GraphIndex& index, const ValueTypes& types) {
  Plan plan;
  std::unordered_set<std::string> constants;
  for (const auto& tensor : graph.initializer()) constants.insert(tensor.name());
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    const auto& outputs = node.output();
    if (!is_foldable_kind(node) ||
        std::any_of(outputs.begin(), outputs.end(), [&](const auto& name) { return index.is_graph_output(name); }))
      continue;
    auto known = shape_value(node, types);
    if (!known) known = gathered_dimension(node, index, types);
    const bool computable =
        std::all_of(node.input().begin(), node.input().end(), [&](const auto& name) { return name.empty() || constants.contains(name); });
    if (known) {
      plan.known.push_back(std::move(*known));
    } else if (computable && node.op_type() != "Constant" && !too_large(node, types)) {
      plan.nodes.push_back(i);
    } else {
      continue;
    }
    constants.insert(node.output().begin(), node.output().end());
  }
  return plan;
}

// The chosen nodes as a model without inputs whose outputs are the tensors that the rest of the graph reads.
onnx::ModelProto mini_model(const onnx::ModelProto& model, const GraphIndex& index, const Plan& plan, const std::vector<int>& nodes) {
  onnx::ModelProto mini;
  mini.set_ir_version(model.ir_version());
  *mini.mutable_opset_import() = model.opset_import();
  auto& graph = *mini.mutable_graph();
  graph.set_name("constants");
  const std::set<int> inside(nodes.begin(), nodes.end());
  std::set<std::string> read;
  for (const int number : nodes) {
    const auto& node = *graph.add_node() = model.graph().node(number);
    read.insert(node.input().begin(), node.input().end());
    for (const auto& name : node.output()) {
      const auto& uses = index.uses(name);
      const bool leaves =
          std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return use.input < 0 || !inside.contains(use.node); });
      if (leaves) graph.add_output()->set_name(name);  // ONNX Runtime infers the type
    }
  }
  for (const auto& tensor : plan.known) {
    if (read.contains(tensor.name())) *graph.add_initializer() = tensor;
  }
  for (const auto& name : read) {
    if (const auto* tensor = index.initializer(name)) *graph.add_initializer() = *tensor;
  }
  return mini;
}

std::vector<onnx::TensorProto> evaluate(const onnx::ModelProto& mini) {
  if (mini.graph().output_size() == 0) return {};
  const Session session(mini, {.threads = 1, .optimization = Optimization::none, .custom_operators = nullptr});
  std::vector<onnx::TensorProto> values;
  const auto results = session.run({});
  for (std::size_t i = 0; i < results.size(); ++i) values.push_back(to_proto(session.outputs()[i].name, results[i]));
  return values;
}

// All at once; where ONNX Runtime refuses that, the first operators of each chain one by one, and the next round goes on from what worked.
std::vector<onnx::TensorProto> evaluate(const onnx::ModelProto& model, const GraphIndex& index, const Plan& plan) {
  if (plan.nodes.empty()) return {};
  try {
    return evaluate(mini_model(model, index, plan, plan.nodes));
  } catch (const Error&) {
  }
  std::vector<onnx::TensorProto> values;
  for (const int number : plan.nodes) {
    const auto& inputs = index.node(number).input();
    if (std::any_of(inputs.begin(), inputs.end(), [&](const auto& name) { return !name.empty() && index.initializer(name) == nullptr; }))
      continue;
    try {
      for (auto& value : evaluate(mini_model(model, index, plan, {number}))) values.push_back(std::move(value));
    } catch (const Error&) {  // no kernel for it; it stays a node
    }
  }
  return values;
}

// Puts the values into the graph and takes out the nodes that made them. Returns how many tensors became constants.
std::size_t apply(onnx::GraphProto& graph, std::vector<onnx::TensorProto> values) {
  std::unordered_set<std::string> folded;
  for (const auto& value : values) folded.insert(value.name());
  std::set<int> replaced;
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& outputs = graph.node(i).output();
    if (std::any_of(outputs.begin(), outputs.end(), [&](const auto& name) { return folded.contains(name); })) replaced.insert(i);
  }
  remove_nodes(graph, replaced);
  for (auto& value : values) *graph.add_initializer() = std::move(value);
  return folded.size();
}

std::size_t fold_once(Model& model) {
  const ValueTypes types(model.proto);
  const GraphIndex index(model.graph());
  Plan plan = find(model.graph(), index, types);
  if (plan.nodes.empty() && plan.known.empty()) return 0;
  auto values = evaluate(model.proto, index, plan);
  for (auto& known : plan.known) values.push_back(std::move(known));
  const std::size_t folded = apply(model.graph(), std::move(values));
  if (folded > 0) remove_unused(model.graph());
  return folded;
}

}  // namespace

std::string fold_constants(Model& model) {
  std::size_t folded = 0, inlined = 0;
  for (int round = 0; round < most_rounds; ++round) {
    const std::size_t values = fold_once(model), ifs = inline_ifs(model);
    if (values + ifs == 0) break;
    folded += values;
    inlined += ifs;
  }
  if (inlined == 0) return counted(folded, "tensor", "tensors");
  return std::to_string(folded) + " tensors, " + counted(inlined, "If", "Ifs") + " replaced by the branch taken";
}

}  // namespace quantize
