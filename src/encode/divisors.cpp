#include "encode/divisors.h"

#include "ops/op_table.h"

namespace quantize {
namespace {

class Divisors {
 public:
  explicit Divisors(const GraphIndex& index) : index_(index) {}

  void collect_divisor(const std::string& tensor) {
    const int number = index_.producer_number(tensor);
    if (number < 0 || found_.contains(number)) return;
    const auto& node = index_.node(number);
    if (is_product(node)) return static_cast<void>(collect_product(tensor));
    const bool sums = node.op_type() == "ReduceMean" || node.op_type() == "ReduceSum";  // of what may be rounded
    const int source = source_of(node);
    if (source < 0 && !sums) return;
    found_.insert(number);
    if (source >= 0) collect_divisor(node.input(source));
  }

  [[nodiscard]] std::set<int> take() { return std::move(found_); }

 private:
  // Of two activations.
  [[nodiscard]] bool is_product(const onnx::NodeProto& node) const {
    return node.op_type() == "MatMul" && role_of(node, index_) == Role::compute;
  }

  // The input that the node moves, bounds, or joins with a constant; -1 for other nodes.
  [[nodiscard]] int source_of(const onnx::NodeProto& node) const {
    static const std::set<std::string> binary = {"Add", "Sub", "Mul", "Max"};
    if (role_of(node, index_) == Role::moving || node.op_type() == "Clip") return 0;
    if (!standard_domain(node) || !binary.contains(node.op_type()) || node.input_size() != 2) return -1;
    return index_.constant(node.input(1)) != nullptr ? 0 : index_.constant(node.input(0)) != nullptr ? 1 : -1;
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
  std::set<int> found_;
};

}  // namespace

std::set<int> divisor_nodes(const GraphIndex& index) {
  Divisors divisors(index);
  for (const auto& node : index.graph().node()) {
    if (node.op_type() == "Div" && standard_domain(node) && index.constant(node.input(1)) == nullptr)
      divisors.collect_divisor(node.input(1));
  }
  return divisors.take();
}

}  // namespace quantize
