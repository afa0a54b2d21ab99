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
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/payload.h"
#include "ops/op_table.h"
#include "prepare/inline_ifs.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr int most_rounds = 32;  // each round needs a chain that hangs on the one before

// A file should not grow by what an Expand or ConstantOfShape makes of a few numbers: ONNX Runtime computes that when it loads the model.
constexpr std::int64_t largest_weight = 64 * 1024 * 1024;  // bytes
constexpr std::int64_t always_folded = 64 * 1024;          // bytes; of others, more only where the model has eight times as much

// Random operators differ from run to run.
bool is_foldable_kind(const onnx::NodeProto& node) {
  static const std::set<std::string> kept = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
                                             "Multinomial",  "Bernoulli",        "Dropout"};
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

// Whether all that the node reads is among `constants`.
bool is_computable(const onnx::NodeProto& node, const std::unordered_set<std::string>& constants) {
  const auto& inputs = node.input();
  return std::all_of(inputs.begin(), inputs.end(), [&](const auto& name) { return name.empty() || constants.contains(name); });
}

std::unordered_set<std::string> initializer_names(const onnx::GraphProto& graph) {
  std::unordered_set<std::string> names;
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  return names;
}

// Results that end as weight or bias, at once or by further folding: they are the same bytes as a weight that was stored as such.
std::unordered_set<std::string> future_weights(const onnx::GraphProto& graph) {
  auto constants = initializer_names(graph);
  for (const auto& node : graph.node()) {
    if (is_foldable_kind(node) && is_computable(node, constants)) constants.insert(node.output().begin(), node.output().end());
  }
  std::unordered_set<std::string> weights;
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    const auto& node = graph.node(i);
    const auto& outputs = node.output();
    const bool makes_weight = is_computable(node, constants) &&
                              std::any_of(outputs.begin(), outputs.end(), [&](const auto& name) { return weights.contains(name); });
    for (int k = 0; k < node.input_size(); ++k) {
      if (makes_weight || (may_be_weighted(node.op_type()) && (k == 1 || k == 2))) weights.insert(node.input(k));
    }
  }
  return weights;
}

// Which results are larger than is worth storing.
class SizeLimit {
 public:
  SizeLimit(const onnx::ModelProto& model, const ValueTypes& types)
      : types_(types),
        weights_(future_weights(model.graph())),
        largest_(std::clamp(static_cast<std::int64_t>(stored_bytes(model) / 8), always_folded, largest_weight)) {}

  // Of outputs whose sizes are not known nothing is too large before they are computed: `computed`, bytes by name, where they are.
  [[nodiscard]] bool refuses(const onnx::NodeProto& node, const std::unordered_map<std::string, std::int64_t>& computed = {}) const {
    std::int64_t before = 0;
    for (const auto& name : node.input()) before += bytes(name);
    for (const auto& name : node.output()) {
      const auto found = computed.find(name);
      const std::int64_t after = found != computed.end() ? found->second : bytes(name);
      if (after > before && after > (weights_.contains(name) ? largest_weight : largest_)) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] std::int64_t bytes(const std::string& name) const {
    const auto& type = types_.of(name);
    return type.is_static() ? element_count(*type.shape) * static_cast<std::int64_t>(element_size(type.type)) : 0;
  }

  const ValueTypes& types_;
  std::unordered_set<std::string> weights_;
  std::int64_t largest_;
};

Plan find(const onnx::GraphProto& graph, const GraphIndex& index, const ValueTypes& types, const SizeLimit& limit) {
  Plan plan;
  auto constants = initializer_names(graph);
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    const auto& outputs = node.output();
    if (!is_foldable_kind(node) ||
        std::any_of(outputs.begin(), outputs.end(), [&](const auto& name) { return index.is_graph_output(name); }))
      continue;
    auto known = shape_value(node, types);
    if (!known) known = gathered_dimension(node, index, types);
    if (known) {
      plan.known.push_back(std::move(*known));
    } else if (is_computable(node, constants) && node.op_type() != "Constant" && !limit.refuses(node)) {
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
  drop_claims_about_initializers(graph);
  return folded.size();
}

// Takes out the results that turned out too large.
void drop_too_large(std::vector<onnx::TensorProto>& values, const GraphIndex& index, const SizeLimit& limit) {
  std::unordered_map<std::string, std::int64_t> computed;
  for (const auto& value : values) computed[value.name()] = static_cast<std::int64_t>(value.raw_data().size());
  std::erase_if(values, [&](const auto& value) { return limit.refuses(*index.producer(value.name()), computed); });
}

std::size_t fold_once(Model& model) {
  const ValueTypes types(model.proto);
  const GraphIndex index(model.graph());
  const SizeLimit limit(model.proto, types);
  Plan plan = find(model.graph(), index, types, limit);
  if (plan.nodes.empty() && plan.known.empty()) return 0;
  auto values = evaluate(model.proto, index, plan);
  drop_too_large(values, index, limit);
  for (auto& known : plan.known) values.push_back(std::move(known));
  if (values.empty()) return 0;
  const std::size_t folded = apply(model.graph(), std::move(values));
  remove_unused(model.graph());
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
