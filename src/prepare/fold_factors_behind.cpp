// A factor per channel behind a sum or a Concat goes back through it, and through what passes factors on, into the weights before; where
// such a tensor has other readers, the reverse goes into their weights. What a BatchNormalization behind a residual sum leaves:
//
//   BEFORE  x = PRelu (Conv (.., V));  y = Mul (Add (x, Conv (.., W)), s);  z = Conv (x, U)
//   AFTER   x' = PRelu (Conv (.., s V));  y = Add (x', Conv (.., s W));  z = Conv (x', U / s)          x' = s x
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "model/edit.h"
#include "prepare/channel_affine.h"
#include "prepare/channel_walk.h"
#include "prepare/linear_node.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

// Of all factors of a tensor that others read, too: what they read is rounded with one step for all channels, and is multiplied afterwards.
constexpr double most_uneven = 64;

constexpr double smallest = 1e-6;  // nothing is left of such a channel that could be scaled back

using Factors = std::vector<double>;
using FactorsByTensor = std::map<std::string, Factors>;

bool are_even(const Factors& factors) {
  const auto [least, most] = std::ranges::minmax(factors);
  return most <= most_uneven * least;
}

Factors reverse_of(Factors factors) {
  for (double& factor : factors) factor = 1 / factor;
  return factors;
}

void multiply(Factors& factors, const Factors& others) { std::ranges::transform(factors, others, factors.begin(), std::multiplies<>()); }

// Puts factors into weights, one node after the other.
class Absorber {
 public:
  // `index`: of the graph, before any of its weights are changed.
  Absorber(onnx::GraphProto& graph, const GraphIndex& index, NameMaker& names) : graph_(graph), before_(index), names_(names) {}

  void absorb(int number, const Factors& factors, decltype(absorb_after)* take) {
    if (!changed_.insert(number).second || shares_constants(number)) after_.emplace(graph_);
    auto change = take(number, {factors, Factors(factors.size(), 0.0)}, after_ ? *after_ : before_, names_);
    if (!change) throw Error(ErrorKind::internal, "weights cannot take a factor");
    std::vector<LinearChange> changes;
    changes.push_back(std::move(*change));
    apply_changes(graph_, std::move(changes));
  }

 private:
  // Then an earlier change may have given it one of its own. An index for every node would cost the time of a pass over the network each.
  [[nodiscard]] bool shares_constants(int number) const {
    const auto& inputs = graph_.node(number).input();
    return std::any_of(inputs.begin() + 1, inputs.end(), [&](const std::string& name) { return before_.uses(name).size() > 1; });
  }

  onnx::GraphProto& graph_;
  const GraphIndex& before_;
  std::optional<GraphIndex> after_;
  NameMaker& names_;
  std::set<int> changed_;
};

// Who takes which factors, by node. `before`: of tensors that others read, too, from earlier folds.
class FactorsBack {
 public:
  FactorsBack(const GraphIndex& index, const ValueTypes& types, const FactorsByTensor& before)
      : index_(index), walk_(index, types), shared_(before) {}

  // `tensor`, which node `reader` reads, is to be `factors` times what it was. False where something cannot take part.
  bool scale(const std::string& tensor, const Factors& factors, int reader) {
    if (index_.is_graph_output(tensor) || walk_.channels(tensor) != std::ssize(factors) || !seen_.insert(tensor).second) return false;
    const auto& uses = index_.uses(tensor);
    if (uses.size() > 1 && !are_even(collect(shared_, tensor, factors))) return false;
    const Factors reverse = reverse_of(factors);
    if (!std::ranges::all_of(uses, [&](const Use& use) { return use.node == reader || make_up(use, reverse); })) return false;
    const int producer = index_.producer_number(tensor);
    return producer >= 0 && scale_result(producer, factors);
  }

  [[nodiscard]] const FactorsByTensor& shared() const { return shared_; }

  void apply(onnx::GraphProto& graph, NameMaker& names) const {
    for (auto& [number, input, tensor] : scaled_operands(names)) {
      graph.mutable_node(number)->set_input(input, tensor.name());
      put_initializer(graph, std::move(tensor));
    }
    Absorber absorber(graph, index_, names);
    for (const auto& [number, factors] : behind_) absorber.absorb(number, factors, absorb_after);
    for (const auto& [number, factors] : ahead_) absorber.absorb(number, factors, absorb_before);
  }

 private:
  struct ScaledOperand {
    int node, input;
    onnx::TensorProto tensor;
  };

  [[nodiscard]] std::vector<ScaledOperand> scaled_operands(NameMaker& names) const {
    std::vector<ScaledOperand> scaled;
    for (const auto& [number, factors] : operands_) {
      const auto& node = index_.node(number);
      auto [tensor, values] = *walk_.operand(node, node.op_type());
      multiply(values, factors);
      const std::string& name = node.input(1 - tensor);
      Shape shape(static_cast<std::size_t>(walk_.rank(node.input(tensor)) - 1), 1);
      shape[0] = std::ssize(values);
      auto proto = store(names.unique(name + "_scaled"), shape, static_cast<ElementType>(index_.initializer(name)->data_type()), values);
      if (!proto) throw Error(ErrorKind::internal, "a scaled constant is not finite");
      scaled.push_back({number, 1 - tensor, std::move(*proto)});
    }
    return scaled;
  }

  template <typename Key>
  static const Factors& collect(std::map<Key, Factors>& at, const Key& key, const Factors& factors) {
    const auto [place, is_new] = at.try_emplace(key, factors);
    if (!is_new) multiply(place->second, factors);
    return place->second;
  }

  bool scale_result(int number, const Factors& factors) {
    const auto& node = index_.node(number);
    if (const auto linear = linear_node(node, index_)) {
      if (linear->outputs != std::ssize(factors) || !may_differ(*linear->weight, index_)) return false;
      collect(behind_, number, factors);
      return true;
    }
    if (walk_.operand(node, "Mul")) {
      collect(operands_, number, factors);
      return true;
    }
    if (const auto added = walk_.operand(node, "Add")) {
      collect(operands_, number, factors);
      return scale(node.input(added->tensor), factors, number);
    }
    if (walk_.keeps_factors(node)) return scale(node.input(0), factors, number);
    if (walk_.adds_channels(node, 0) && walk_.adds_channels(node, 1))
      return scale(node.input(0), factors, number) && scale(node.input(1), factors, number);
    return walk_.joins_channels(node) &&
           walk_.each_part(node, factors, [&](const std::string& part, const Factors& own) { return scale(part, own, number); });
  }

  // What this use makes of the scaled tensor is to be what it was.
  bool make_up(const Use& use, const Factors& reverse) {
    if (use.input < 0) return false;
    const auto& node = index_.node(use.node);
    if (reads_shape_only(node)) return true;
    if (const auto linear = linear_node(node, index_)) {
      if (use.input != 0 || !linear->reads_channels() || linear->inputs != std::ssize(reverse)) return false;
      if (!may_differ(*linear->weight, index_)) return false;
      collect(ahead_, use.node, reverse);
      return true;
    }
    if (walk_.operand(node, "Mul")) {
      collect(operands_, use.node, reverse);
      return true;
    }
    if (use.input != 0 || !walk_.keeps_factors(node) || index_.is_graph_output(node.output(0))) return false;
    return seen_.insert(node.output(0)).second &&
           std::ranges::all_of(index_.uses(node.output(0)), [&](const Use& further) { return make_up(further, reverse); });
  }

  const GraphIndex& index_;
  ChannelWalk walk_;
  std::set<std::string> seen_;
  FactorsByTensor shared_;
  std::map<int, Factors> behind_, ahead_, operands_;
};

// The last of them that can go, so that its factors reach those before it.
bool fold_one(onnx::GraphProto& graph, const ValueTypes& types, FactorsByTensor& shared, NameMaker& names) {
  const GraphIndex index(graph);
  const ChannelWalk walk(index, types);
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    const auto factors = walk.operand(graph.node(i), "Mul");
    if (!factors || index.is_graph_output(graph.node(i).output(0))) continue;
    if (std::ranges::any_of(factors->values, [](double factor) { return !(factor > smallest && factor < 1 / smallest); })) continue;
    const std::string input = graph.node(i).input(factors->tensor), output = graph.node(i).output(0);
    FactorsBack back(index, types, shared);
    if (!back.scale(input, factors->values, i)) continue;
    back.apply(graph, names);
    shared = back.shared();
    replace_uses(graph, output, input);
    remove_nodes(graph, {i});
    return true;
  }
  return false;
}

}  // namespace

std::string fold_factors_behind(Model& model) {
  if (!has_constant_operand(model.graph(), {"Mul"})) return {};
  std::size_t folded = 0;
  FactorsByTensor shared;
  const ValueTypes types(model.proto);  // a fold changes none of them
  NameMaker names(model.graph());
  while (fold_one(model.graph(), types, shared, names)) ++folded;
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "factor", "factors");
}

}  // namespace quantize
