// BatchNormalization in inference is y = a * x + b per channel, with a = scale / sqrt(var + epsilon) and b = B - mean * a. It goes
//
//   into the operator before    y = BN (Conv (x, W, c))   ->   y = Conv (x, a W, a c + b)        where nobody else reads the Conv
//   into the operator after     y = Conv (BN (x), W, c)   ->   y = Conv (x, W a, c + sum W b)    where nobody else reads the BN, without
//                                                                                                padding or with b = 0
//   into itself otherwise       y = BN (x)                ->   y = Add (Mul (x, a), b)           a and b of shape [C, 1, 1]
//
// Conv stands for Conv, ConvTranspose (before only) and Gemm.
#include <cmath>
#include <set>

#include "model/attribute.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

bool is_inference(const onnx::NodeProto& node) {
  if (node.op_type() != "BatchNormalization" || !standard_domain(node)) return false;
  if (int_attribute(node, "training_mode", 0) != 0 || int_attribute(node, "spatial", 1) == 0 || node.input_size() != 5) return false;
  // Before opset 14 the further outputs, which only training has, were the mark of training.
  return std::all_of(node.output().begin() + 1, node.output().end(), [](const auto& name) { return name.empty(); });
}

// Nothing where the parameters are not constants, or a variance makes the result not finite.
std::optional<ChannelAffine> affine_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!is_inference(node)) return {};
  std::vector<std::vector<double>> parameters;
  for (int i = 1; i < 5; ++i) {
    const auto* tensor = index.initializer(node.input(i));
    if (tensor == nullptr) return {};
    parameters.push_back(double_values(*tensor));
    if (parameters.back().size() != parameters.front().size()) return {};
  }
  const auto epsilon = static_cast<double>(float_attribute(node, "epsilon", 1e-5F));
  ChannelAffine affine;
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    affine.scale.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + epsilon));
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * affine.scale[c]);
  }
  if (!affine.is_finite()) return {};
  return affine;
}

struct Absorbed {
  int batch_norm;
  bool before;  // the operator stands before the BatchNormalization
  LinearChange change;
};

std::optional<Absorbed> find_neighbour(int number, const std::set<int>& taken, const GraphIndex& index, NameMaker& names) {
  const auto& node = index.node(number);
  const auto affine = affine_of(node, index);
  if (!affine) return {};
  const int producer = index.producer_number(node.input(0));
  if (producer >= 0 && !taken.contains(producer) && index.only_use(node.input(0))) {
    if (auto change = absorb_after(producer, *affine, index, names)) return Absorbed{number, true, std::move(*change)};
  }
  const int reader = index.only_reader(node.output(0));
  if (reader < 0 || taken.contains(reader)) return {};
  if (auto change = absorb_before(reader, *affine, index, names)) return Absorbed{number, false, std::move(*change)};
  return {};
}

// An operator between two BatchNormalizations takes one in this round and the other in the next.
std::vector<Absorbed> find_absorbed(const onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  NameMaker names(graph);
  std::set<int> taken;
  std::vector<Absorbed> found;
  for (int i = 0; i < graph.node_size(); ++i) {
    auto absorbed = find_neighbour(i, taken, index, names);
    if (!absorbed) continue;
    taken.insert(absorbed->change.node);
    found.push_back(std::move(*absorbed));
  }
  drop_copies(found, index);
  return found;
}

std::size_t absorb_round(onnx::GraphProto& graph) {
  auto found = find_absorbed(graph);
  std::set<int> removed;
  std::vector<LinearChange> changes;
  for (auto& absorbed : found) {
    const auto& batch_norm = graph.node(absorbed.batch_norm);
    auto& neighbour = *graph.mutable_node(absorbed.change.node);
    if (absorbed.before) {
      neighbour.set_output(0, batch_norm.output(0));
    } else {
      neighbour.set_input(0, batch_norm.input(0));
    }
    removed.insert(absorbed.batch_norm);
    changes.push_back(std::move(absorbed.change));
  }
  apply_changes(graph, std::move(changes));
  remove_nodes(graph, removed);
  return removed.size();
}

// Mul and Add in place of the BatchNormalization; nothing where the rank of x is not known, so that [C, 1, 1] cannot be written.
std::vector<onnx::NodeProto> as_mul_add(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types, NameMaker& names,
                                        std::vector<onnx::TensorProto>& tensors) {
  const auto affine = affine_of(node, index);
  const int rank = types.rank(node.input(0));
  if (!affine || rank < 2) return {};
  Shape shape(static_cast<std::size_t>(rank - 1), 1);
  shape.front() = std::ssize(affine->scale);
  const std::string& output = node.output(0);
  const auto type = types.of(node.input(0)).type;
  auto scale = store(names.unique(output + "_scale"), shape, type, affine->scale);
  auto shift = store(names.unique(output + "_shift"), shape, type, affine->shift);
  if (!scale || !shift) return {};
  const std::string scaled = names.unique(output + "_scaled");
  std::vector<onnx::NodeProto> nodes = {make_node("Mul", std::vector{node.input(0), scale->name()}, std::vector{scaled}),
                                        make_node("Add", std::vector{scaled, shift->name()}, std::vector{output})};
  if (!node.name().empty()) {
    nodes[0].set_name(names.unique(node.name() + "_scale"));
    nodes[1].set_name(node.name());
  }
  tensors.push_back(std::move(*scale));
  tensors.push_back(std::move(*shift));
  return nodes;
}

std::size_t split_rest(Model& model) {
  auto& graph = model.graph();
  const GraphIndex index(graph);
  const ValueTypes types(model.proto);
  NameMaker names(graph);
  std::vector<onnx::NodeProto> nodes;
  std::vector<onnx::TensorProto> tensors;
  std::size_t split = 0;
  for (const auto& node : graph.node()) {
    auto replacement = as_mul_add(node, index, types, names, tensors);
    split += static_cast<std::size_t>(!replacement.empty());
    if (replacement.empty()) replacement.push_back(node);
    for (auto& one : replacement) nodes.push_back(std::move(one));
  }
  if (split == 0) return 0;
  set_nodes(graph, std::move(nodes));
  for (auto& tensor : tensors) *graph.add_initializer() = std::move(tensor);
  return split;
}

}  // namespace

std::string fold_batch_norm(Model& model) {
  std::size_t folded = 0;
  while (const std::size_t more = absorb_round(model.graph())) folded += more;
  const bool some_left = std::any_of(model.graph().node().begin(), model.graph().node().end(), is_inference);
  const std::size_t split = some_left ? split_rest(model) : 0;
  if (folded + split == 0) return {};
  remove_unused(model.graph());
  std::string text = std::to_string(folded) + " folded";
  if (split > 0) text += ", " + std::to_string(split) + " turned into Mul and Add";
  return text;
}

}  // namespace quantize
