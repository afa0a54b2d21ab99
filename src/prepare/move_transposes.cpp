// Graphs of frameworks that keep channels last turn every tensor for a convolution and back behind it. What takes values one by one, joins
// tensors or pads them does not mind the order: it works on what was turned, so that the next Transpose finds itself undone, and a Relu
// stands behind its convolution again.
//
//   BEFORE  a = Conv (x);  t = Transpose <perm = [0,2,3,1]> (a);  r = Relu (t);  u = Transpose <perm = [0,3,1,2]> (r);  y = Conv (u)
//   AFTER   a = Conv (x);  r' = Relu (a);  y = Conv (r')                                  r = Transpose (r') for whoever else reads it
//
// Only what leads to a Transpose that is undone, or joined with the one before, is moved.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

using Perm = std::vector<std::int64_t>;  // dimension i of the result is dimension perm[i] of what is turned

Perm after(const Perm& first, const Perm& second) {
  Perm both;
  for (const auto axis : second) both.push_back(first[static_cast<std::size_t>(axis)]);
  return both;
}

// A tensor is `source`, turned.
struct Turned {
  std::string source;
  Perm perm;
};

class Transposes {
 public:
  Transposes(onnx::GraphProto& graph, const IsKept& is_kept) : graph_(graph), index_(graph), is_kept_(is_kept), names_(graph) {}

  // Puts the new nodes into the graph; returns how many Transposes were undone or joined with one before.
  std::size_t rewrite() {
    for (int i = 0; i < graph_.node_size(); ++i) look_at(i);
    for (int i = graph_.node_size(); i-- > 0;) demand_inputs(i);
    if (joined_ == 0) return 0;
    for (int i = 0; i < graph_.node_size(); ++i) write(i);
    set_nodes(graph_, std::move(nodes_));
    for (const auto& [output, source] : undone_) replace_uses(graph_, output, source);
    for (auto& constant : constants_) put_initializer(graph_, std::move(constant));
    remove_unused(graph_);
    return joined_;
  }

 private:
  static bool is_transpose(const onnx::NodeProto& node) { return node.op_type() == "Transpose" && standard_domain(node); }

  // Whether the node's result is a tensor turned, and a Transpose of one that is, which is needless then.
  void look_at(int number) {
    const auto& node = index_.node(number);
    if (!may_replace(node, is_kept_)) return;
    if (is_transpose(node)) {
      Turned turned{node.input(0), ints_attribute(node, "perm")};
      if (turned.perm.empty()) return;
      if (const auto known = turned_.find(node.input(0)); known != turned_.end()) {
        needed_.insert(node.input(0));
        ++joined_;
        turned = {known->second.source, after(known->second.perm, turned.perm)};
      }
      turned_[node.output(0)] = turned;
    } else if (const auto perm = common_perm(node)) {
      turned_[node.output(0)] = {names_.unique(node.output(0) + "_turned"), *perm};
      moved_.insert(number);
    }
  }

  // What is needed as it was before it was turned is made of such.
  void demand_inputs(int number) {
    const auto& node = index_.node(number);
    if (!moved_.contains(number) || !needed_.contains(node.output(0))) return;
    for (const auto& input : node.input()) {
      if (turned_.contains(input)) needed_.insert(input);
    }
  }

  // How all tensors that the node reads are turned, where it can work on what was turned; nothing where it cannot.
  [[nodiscard]] std::optional<Perm> common_perm(const onnx::NodeProto& node) const {
    const int data = data_inputs(node);
    std::optional<Perm> common;
    for (int k = 0; k < data; ++k) {
      if (const auto found = turned_.find(node.input(k)); found != turned_.end()) {
        if (common && *common != found->second.perm) return {};
        common = found->second.perm;
      } else if (!is_movable_constant(node.input(k))) {
        return {};
      }
    }
    const auto rank = common ? std::ssize(*common) : 0;
    for (int k = 0; k < data; ++k) {
      const auto* constant = index_.initializer(node.input(k));
      if (constant != nullptr && constant->dims_size() > rank) return {};  // it makes the result's rank a higher one
    }
    return common;
  }

  // How many inputs, from the first on, hold what is turned; 0 for operators that mind the order.
  [[nodiscard]] int data_inputs(const onnx::NodeProto& node) const {
    static const std::set<std::string> unary = {"Relu", "Clip", "Sigmoid",  "HardSwish", "HardSigmoid", "LeakyRelu", "Tanh", "Elu",
                                                "Gelu", "Erf",  "Softplus", "Exp",       "Sqrt",        "Abs",       "Neg"};
    static const std::set<std::string> joining = {"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Concat"};
    const auto& type = node.op_type();
    if (!standard_domain(node) || node.output_size() != 1) return 0;
    if (unary.contains(type)) return 1;
    if (joining.contains(type)) return node.input_size();
    if (type == "ReduceMean" && int_attribute(node, "keepdims", 1) == 1 && !axes_of(node).empty()) return 1;
    return type == "Pad" && (node.input_size() == 2 || node.input_size() == 3) && index_.initializer(node.input(1)) != nullptr ? 1 : 0;
  }

  [[nodiscard]] std::vector<std::int64_t> axes_of(const onnx::NodeProto& node) const {
    if (node.input_size() < 2) return ints_attribute(node, "axes");
    const auto* axes = index_.initializer(node.input(1));
    return axes != nullptr ? int_values(*axes) : std::vector<std::int64_t>{};
  }

  [[nodiscard]] bool is_movable_constant(const std::string& name) const {
    const auto* tensor = index_.initializer(name);
    const auto values = tensor != nullptr ? element_count(shape_of(*tensor)) : 0;
    return values == 1 || (values > 1 && tensor->data_type() == onnx::TensorProto::FLOAT);
  }

  void write(int number) {
    onnx::NodeProto node = index_.node(number);
    const auto turned = node.output_size() > 0 ? turned_.find(node.output(0)) : turned_.end();
    if (turned == turned_.end() || (moved_.contains(number) && !needed_.contains(node.output(0)))) {
      nodes_.push_back(std::move(node));
      return;
    }
    const bool moves = moved_.contains(number);
    if (moves) write_moved(node, turned->second);
    write_transpose(node.output(0), moves && !node.name().empty() ? names_.unique(node.name() + "_turned") : node.name(), turned->second);
  }

  // The tensor for those who read it turned.
  void write_transpose(const std::string& output, const std::string& name, const Turned& turned) {
    const bool is_undone = std::ranges::is_sorted(turned.perm);
    nodes_.push_back(make_node(is_undone ? "Identity" : "Transpose", {&turned.source, 1}, {&output, 1}));
    nodes_.back().set_name(name);
    if (is_undone) {
      undone_.emplace_back(output, turned.source);
    } else {
      set_attribute(nodes_.back(), "perm", turned.perm);
    }
  }

  void write_moved(onnx::NodeProto node, const Turned& turned) {
    const Perm& perm = turned.perm;
    for (int k = 0; k < data_inputs(node); ++k) {
      const auto found = turned_.find(node.input(k));
      node.set_input(k, found != turned_.end() ? found->second.source : turned_back(node.input(k), perm));
    }
    const auto rank = static_cast<std::int64_t>(perm.size());
    const auto moved = [&](std::int64_t axis) { return perm[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)]; };
    if (node.op_type() == "Concat") set_attribute(node, "axis", moved(int_attribute(node, "axis", 0)));
    if (node.op_type() == "ReduceMean") {
      auto axes = axes_of(node);
      std::ranges::transform(axes, axes.begin(), moved);
      std::ranges::sort(axes);
      replace_numbers(node, "axes", axes);
    }
    if (node.op_type() == "Pad") {
      const auto pads = int_values(*index_.initializer(node.input(1)));
      auto turned_pads = pads;
      for (std::size_t i = 0; i < perm.size(); ++i) {
        for (const std::size_t side : {std::size_t{0}, perm.size()}) turned_pads[side + static_cast<std::size_t>(perm[i])] = pads[side + i];
      }
      replace_numbers(node, "pads", turned_pads);
    }
    node.set_output(0, turned.source);
    nodes_.push_back(std::move(node));
  }

  // Its second input, or the attribute of older opsets.
  void replace_numbers(onnx::NodeProto& node, const std::string& attribute, const std::vector<std::int64_t>& numbers) {
    if (node.input_size() < 2) return set_attribute(node, attribute, numbers);
    node.set_input(1, names_.unique(node.input(1) + "_turned"));
    constants_.push_back(make_tensor(node.input(1), {std::ssize(numbers)}, std::span<const std::int64_t>(numbers)));
  }

  // The constant that, turned by `perm`, is this one.
  std::string turned_back(const std::string& name, const Perm& perm) {
    const auto& tensor = *index_.initializer(name);
    const auto values = element_count(shape_of(tensor)) == 1 ? std::vector<float>{} : float_values(tensor);
    if (values.empty()) return name;
    auto& known = turned_constants_[{name, perm}];
    if (!known.empty()) return known;
    Shape shape(perm.size(), 1), back(perm.size());
    std::ranges::copy_backward(shape_of(tensor), shape.end());
    std::vector<std::size_t> step(perm.size());  // from one value to the next along a dimension of the result
    for (std::size_t i = perm.size(), size = 1; i-- > 0; size *= static_cast<std::size_t>(shape[i])) {
      back[static_cast<std::size_t>(perm[i])] = shape[i];
      step[static_cast<std::size_t>(perm[i])] = size;
    }
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      std::size_t rest = i, from = 0;
      for (std::size_t k = back.size(); k-- > 0; rest /= static_cast<std::size_t>(back[k]))
        from += rest % static_cast<std::size_t>(back[k]) * step[k];
      result[i] = values[from];
    }
    known = names_.unique(name + "_turned");
    constants_.push_back(make_tensor(known, back, result));
    return known;
  }

  onnx::GraphProto& graph_;
  const GraphIndex index_;
  const IsKept& is_kept_;
  NameMaker names_;
  std::unordered_map<std::string, Turned> turned_;
  std::set<int> moved_;  // nodes that could work on what was turned
  std::size_t joined_ = 0;
  std::vector<std::pair<std::string, std::string>> undone_;  // a tensor, and the one that it is
  std::set<std::string> needed_;  // tensors of which a Transpose undoes what turned them, or that such are made of
  std::map<std::pair<std::string, Perm>, std::string> turned_constants_;
  std::vector<onnx::TensorProto> constants_;
  std::vector<onnx::NodeProto> nodes_;
};

}  // namespace

std::string move_transposes(Model& model, const IsKept& is_kept) {
  return counted(Transposes(model.graph(), is_kept).rewrite(), "Transpose", "Transposes");
}

}  // namespace quantize
