#include "encode/divisors.h"

#include <algorithm>
#include <optional>
#include <string>

#include "ops/op_table.h"

namespace quantize {
namespace {

// Whether the node is a power with one constant exponent, and which.
std::optional<double> constant_exponent(const onnx::NodeProto& node, const GraphIndex& index) {
  return node.op_type() == "Pow" && standard_domain(node) && node.input_size() == 2 ? index.scalar(node.input(1)) : std::nullopt;
}

class Divisors {
 public:
  explicit Divisors(const GraphIndex& index) : index_(index) {}

  // `reader`: whose input `tensor` is one that divisor_of() names.
  void collect(int reader, const std::string& tensor) {
    const auto* node = index_.producer(tensor);
    if (node != nullptr && fixed_range(*node)) found_.insert(index_.producer_number(tensor));  // a Softmax: most of it is near zero
    collect_divisor(tensor);
    const auto& type = index_.node(reader).op_type();
    std::set<int> passed;
    const bool inverts =
        type == "Reciprocal" || type == "Pow" || (type == "Div" && index_.constant(index_.node(reader).input(0)) != nullptr);
    if (inverts && only_multiplies(reader, passed)) found_.merge(passed);
  }

  [[nodiscard]] std::set<int> take() { return std::move(found_); }

 private:
  // Returns whether what makes the tensor is to stay float.
  bool collect_divisor(const std::string& tensor) {
    const int number = index_.producer_number(tensor);
    if (number < 0) return false;
    if (!walked_.insert(number).second) return found_.contains(number);
    if (is_product(index_.node(number))) return collect_product(tensor);
    if (!is_divisor(index_.node(number))) return false;
    found_.insert(number);
    return true;
  }

  // Of a node that makes what is divided by; what it reads is collected.
  bool is_divisor(const onnx::NodeProto& node) {
    if (lets_through(node)) return collect_divisor(node.input(0));  // what comes rounded from a convolution is not better for staying float
    if (joins_activations(node, {"Add", "Sub"})) {
      const bool first = collect_part(node.input(0)), second = collect_part(node.input(1));
      return first || second;
    }
    if (joins_activations(node, {"Mul"})) {
      for (const auto& factor : node.input()) collect_divisor(factor);
      return true;
    }
    if (sums_up(node)) {
      collect_square(node.input(0));
      return true;
    }
    const int source = source_of(node);
    if (source >= 0) collect_divisor(node.input(source));
    return source >= 0 || node.op_type() == "Exp";  // its argument may be rounded
  }

  bool collect_part(const std::string& tensor) {
    const bool square = collect_square(tensor);
    return collect_divisor(tensor) || square;
  }

  // The numbers that a sum is of may be rounded, but not once they are squared: half of them would be zero, and whole sums with them.
  bool collect_square(const std::string& tensor) {
    const int number = index_.producer_number(tensor);
    if (number < 0) return false;
    const auto& node = index_.node(number);
    const bool square = (joins_activations(node, {"Mul"}) && node.input(0) == node.input(1)) || constant_exponent(node, index_);
    if (square) found_.insert(number);
    return square;
  }

  // Of two activations.
  [[nodiscard]] bool is_product(const onnx::NodeProto& node) const {
    return node.op_type() == "MatMul" && role_of(node, index_) == Role::compute;
  }

  // Value by value, by one of these operators.
  [[nodiscard]] bool joins_activations(const onnx::NodeProto& node, const std::set<std::string>& types) const {
    return types.contains(node.op_type()) && standard_domain(node) && index_.constant(node.input(0)) == nullptr &&
           index_.constant(node.input(1)) == nullptr;
  }

  // Moves values, or cuts off none that is small; a bound above zero would round to it.
  [[nodiscard]] bool lets_through(const onnx::NodeProto& node) const {
    if (role_of(node, index_) == Role::moving) return true;
    const auto bounds = node.op_type() == "Clip" ? clamp_bounds(node, index_) : std::nullopt;
    return bounds && bounds->first <= 0;
  }

  [[nodiscard]] static bool sums_up(const onnx::NodeProto& node) {
    static const std::set<std::string> types = {"ReduceMean", "ReduceSum", "GlobalAveragePool", "AveragePool"};
    return standard_domain(node) && types.contains(node.op_type());
  }

  // The input that the node moves, bounds, joins with a constant, or takes a root or power of; -1 for other nodes.
  [[nodiscard]] int source_of(const onnx::NodeProto& node) const {
    static const std::set<std::string> binary = {"Add", "Sub", "Mul", "Max"}, unary = {"Clip", "Sqrt", "Abs"};
    if (role_of(node, index_) == Role::moving || constant_exponent(node, index_)) return 0;
    if (standard_domain(node) && unary.contains(node.op_type())) return 0;
    if (!standard_domain(node) || !binary.contains(node.op_type()) || node.input_size() != 2) return -1;
    return index_.constant(node.input(1)) != nullptr ? 0 : index_.constant(node.input(0)) != nullptr ? 1 : -1;
  }

  // Whether the node's values, moved or joined with constants, are multiplied with others and nothing else: then it is a division that they
  // are half of. `passed`: what makes those factors, from the node on.
  bool only_multiplies(int number, std::set<int>& passed) const {
    passed.insert(number);
    return std::ranges::all_of(index_.node(number).output(), [&](const std::string& output) {
      return !index_.is_graph_output(output) && std::ranges::all_of(index_.uses(output), [&](const Use& use) {
        const auto& reader = index_.node(use.node);
        return joins_activations(reader, {"Mul"}) ||
               (use.input >= 0 && use.input == source_of(reader) && only_multiplies(use.node, passed));
      });
    });
  }

  // The product that makes this tensor, directly or moved, the products whose results it reads, and what moves them. Returns whether there
  // is one.
  bool collect_product(const std::string& tensor) {
    const int number = index_.producer_number(tensor);
    if (number < 0) return false;
    if (found_.contains(number)) return true;
    const auto& node = index_.node(number);
    if (is_product(node)) {
      found_.insert(number);
      for (const auto& input : node.input()) collect_product(input);
      return true;
    }
    if (role_of(node, index_) != Role::moving || !collect_product(node.input(0))) return false;
    found_.insert(number);
    return true;
  }

  const GraphIndex& index_;
  std::set<int> found_, walked_;
};

// The input whose small values make large results; -1 for other nodes.
int divisor_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!standard_domain(node)) return -1;
  if (node.op_type() == "Div") return 1;
  if (node.op_type() == "Reciprocal" || node.op_type() == "Log") return 0;
  return constant_exponent(node, index).value_or(0) < 0 ? 0 : -1;
}

}  // namespace

std::set<int> divisor_nodes(const GraphIndex& index) {
  Divisors divisors(index);
  for (int i = 0; i < index.graph().node_size(); ++i) {
    const auto& node = index.node(i);
    const int divisor = divisor_of(node, index);
    if (divisor >= 0 && index.constant(node.input(divisor)) == nullptr) divisors.collect(i, node.input(divisor));
  }
  return divisors.take();
}

}  // namespace quantize
