// A product with a constant matrix and its summand, as the linear layers of transformers are written, is a Gemm over the list of all
// tokens: its result is rounded once, behind the bias, where product, bias and sum were rounded each, and runtimes have one integer kernel
// for it.
//
//   BEFORE  t = MatMul (x [N, T, K], W [K, M]);  y = Add (t, b [M])
//   AFTER   r = Reshape (x, [-1, K]);  l = Gemm (r, W, b);  y = Reshape (l, [N, T, M])
//
// An operator behind it that takes values one by one works on the list too, so that it stays beside the Gemm, and what reads such a list
// anew need not reshape it.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "ops/op_table.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

// A product and the sum behind it.
struct TokenProduct {
  int product = -1;
  std::string bias;  // of M values, whatever their shape
};

class TokenLists {
 public:
  TokenLists(onnx::GraphProto& graph, const ValueTypes& types, const IsKept& is_kept)
      : graph_(graph), index_(graph), types_(types), is_kept_(is_kept), names_(graph) {}

  // Puts the new nodes into the graph; returns the number of Gemms made.
  std::size_t rewrite() {
    std::set<int> gone;
    std::map<int, TokenProduct> sums;
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto found = product_before(index_.node(i));
      if (!found) continue;
      gone.insert(found->product);
      sums[i] = *found;
    }
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto& node = index_.node(i);
      if (gone.contains(i)) continue;
      if (const auto sum = sums.find(i); sum != sums.end()) {
        write_gemm(sum->second, node.output(0));
      } else if (const int data = list_operand(node); data >= 0) {
        write_on_list(node, data);
      } else {
        nodes_.push_back(node);
      }
    }
    if (sums.empty()) return 0;
    set_nodes(graph_, std::move(nodes_));
    for (auto& constant : constants_) put_initializer(graph_, std::move(constant));
    remove_unused(graph_);
    return sums.size();
  }

 private:
  // The product whose result this node adds a constant per channel to, where it can be a Gemm.
  [[nodiscard]] std::optional<TokenProduct> product_before(const onnx::NodeProto& sum) const {
    if (sum.op_type() != "Add" || !may_replace(sum, is_kept_)) return {};
    for (const int k : {0, 1}) {
      const int number = index_.producer_number(sum.input(k));
      if (number < 0 || !index_.only_use(sum.input(k))) continue;
      const auto& product = index_.node(number);
      if (product.op_type() != "MatMul" || !may_replace(product, is_kept_) || is_kept_as_gemm(product)) continue;
      const auto op = weighted_op(product, index_);
      if (!op || op->channel_axis < 0) continue;  // a matrix for each picture
      const std::int64_t inputs = index_.initializer(op->weight)->dims(0);
      if (!holds_tokens(op->input, inputs) || !holds_tokens(sum.output(0), op->outputs)) continue;
      const auto* bias = index_.initializer(sum.input(1 - k));
      const bool is_row = bias != nullptr && bias->dims_size() <= types_.rank(op->input) && is_channel_bias(*bias, *op);
      if (is_row) return TokenProduct{number, sum.input(1 - k)};
    }
    return {};
  }

  // Whether it is to stay, seen as what would be made of it: operators are excluded by their type, too.
  [[nodiscard]] bool is_kept_as_gemm(onnx::NodeProto product) const {
    product.set_op_type("Gemm");
    return !may_replace(product, is_kept_);
  }

  // Of [..., channels], of which a Reshape can be told the shape: one dimension at most is left to it.
  [[nodiscard]] bool holds_tokens(const std::string& tensor, std::int64_t channels) const {
    const auto& shape = types_.of(tensor).shape;
    return shape && shape->size() >= 2 && shape->back() == channels && !std::ranges::count(*shape, 0) &&
           std::ranges::count(*shape, -1) <= 1;
  }

  // Which input of an operator on single values is a Gemm's list, given back; -1: none.
  [[nodiscard]] int list_operand(const onnx::NodeProto& node) const {
    static const std::set<std::string> unary = {"Relu", "Clip", "Gelu", "LeakyRelu", "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "Elu"};
    static const std::set<std::string> binary = {"Add", "Sub", "Mul", "Div"};
    if (!standard_domain(node) || !types_.of(node.output(0)).shape) return -1;
    if (unary.contains(node.op_type())) return made_.contains(node.input(0)) ? 0 : -1;
    if (!binary.contains(node.op_type())) return -1;
    for (const int k : {0, 1}) {
      const auto* constant = index_.initializer(node.input(1 - k));
      const bool per_channel = constant != nullptr && constant->dims_size() <= 1 && made_.contains(node.input(k)) &&
                               (element_count(shape_of(*constant)) == 1 || constant->dims(0) == types_.of(node.input(k)).shape->back());
      if (per_channel) return k;
    }
    return -1;
  }

  void write_gemm(const TokenProduct& found, const std::string& output) {
    const auto& product = index_.node(found.product);
    const std::vector<std::string> inputs = {list_of(product.input(0)), product.input(1), row_of(found.bias)};
    write(make_node("Gemm", inputs, std::vector{output}), product.name());
  }

  void write_on_list(onnx::NodeProto node, int data) {
    node.set_input(data, lists_.at(node.input(data)));
    const std::string name = node.name();
    write(std::move(node), name);
  }

  // The node, whose output becomes a list, and the Reshape that makes of it what everybody else reads.
  void write(onnx::NodeProto node, const std::string& name) {
    const std::string output = node.output(0);
    node.set_name(name);
    const auto& shape = types_.of(output).shape;
    const bool is_list = shape && shape->size() == 2;
    made_.insert(output);
    lists_[output] = is_list ? output : names_.unique(output + "_list");
    node.set_output(0, lists_[output]);
    nodes_.push_back(std::move(node));
    if (!is_list) nodes_.push_back(reshape(lists_[output], *shape, output));
  }

  const std::string& list_of(const std::string& tensor) {
    const Shape& shape = *types_.of(tensor).shape;
    const auto [found, is_new] = lists_.try_emplace(tensor, tensor);
    if (!is_new || shape.size() == 2) return found->second;
    found->second = names_.unique(tensor + "_list");
    nodes_.push_back(reshape(tensor, {-1, shape.back()}, found->second));
    return found->second;
  }

  onnx::NodeProto reshape(const std::string& from, const Shape& shape, const std::string& to) {
    auto& name = shapes_[shape];
    if (name.empty()) {
      name = names_.unique(to + "_shape");
      constants_.push_back(make_tensor(name, {static_cast<std::int64_t>(shape.size())}, std::span<const std::int64_t>(shape)));
    }
    return make_node("Reshape", std::vector{from, name}, std::vector{to});
  }

  // The constant with one dimension.
  std::string row_of(const std::string& name) {
    const auto& constant = *index_.initializer(name);
    if (constant.dims_size() == 1) return name;
    auto& row = rows_[name];
    if (row.empty()) {
      row = names_.unique(name + "_row");
      const auto values = float_values(constant);
      constants_.push_back(make_tensor(row, {static_cast<std::int64_t>(values.size())}, values));
    }
    return row;
  }

  onnx::GraphProto& graph_;
  const GraphIndex index_;
  const ValueTypes& types_;
  const IsKept& is_kept_;
  NameMaker names_;
  std::map<std::string, std::string> lists_;  // by tensor: its list of tokens
  std::set<std::string> made_;                // tensors that a list made here is given back as
  std::map<std::string, std::string> rows_;
  std::map<Shape, std::string> shapes_;
  std::vector<onnx::TensorProto> constants_;
  std::vector<onnx::NodeProto> nodes_;
};

}  // namespace

std::string token_gemms(Model& model, const IsKept& is_kept) {
  if (std::ranges::none_of(model.graph().node(), [](const auto& node) { return node.op_type() == "MatMul"; })) return {};
  const ValueTypes types(model.proto);
  return counted(TokenLists(model.graph(), types, is_kept).rewrite(), "Gemm", "Gemms");
}

}  // namespace quantize
