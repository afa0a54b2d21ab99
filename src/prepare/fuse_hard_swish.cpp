// HardSwish as exporters write it out, x * relu6 (x + 3) / 6, in its several orders. One operator in place of four leaves one tensor to
// quantize in place of four, and tells the range rules what of its input it can tell apart.
//
//   BEFORE  a = Add (x, 3);  c = Clip (a, 0, 6);  m = Mul (x, c);  y = Div (m, 6)      or Mul (m, 1/6), or c divided before it meets x
//   BEFORE  h = HardSigmoid <alpha = 1/6, beta = 0.5> (x);  y = Mul (x, h)
//   AFTER   y = HardSwish (x)                                                           opset 14
#include <cmath>
#include <optional>

#include "model/attribute.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/fuse_written_out.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

constexpr std::int64_t first_opset = 14;

bool is_near(double value, double wanted) { return std::fabs(value - wanted) <= 1e-5 * wanted; }

class HardSwishFinder {
 public:
  HardSwishFinder(const GraphIndex& index, const IsKept& is_kept) : index_(index), is_kept_(is_kept) {}

  // The HardSwish whose gate, clip ((x + 3) / 6, 0, 1) or six times that, is made by `node`.
  [[nodiscard]] std::optional<WrittenOut> around(int node) const {
    const auto gate = may_replace(index_.node(node), is_kept_) ? gate_of(index_.node(node)) : std::nullopt;
    if (!gate) return {};
    double factor = gate->factor;
    int last = node;
    std::string input;
    for (int step = 0; step < 3; ++step) {
      const auto use = index_.only_use(index_.node(last).output(0));
      if (!use || use->input < 0) return {};
      const auto& next = index_.node(use->node);
      if (!may_replace(next, is_kept_)) return {};
      if (const auto scale = factor_of(next, index_.node(last).output(0))) {
        factor *= *scale;
      } else if (next.op_type() == "Mul" && input.empty() && other_operand(next, index_.node(last).output(0)) == gate->input) {
        input = gate->input;
      } else {
        return {};
      }
      last = use->node;
      if (is_near(factor, 1)) factor = 1;
      if (factor == 1 && !input.empty()) return WrittenOut{input, last};
    }
    return {};
  }

 private:
  struct Gate {
    std::string input;
    double factor;  // where it ends
  };

  [[nodiscard]] std::optional<Gate> gate_of(const onnx::NodeProto& node) const {
    if (node.op_type() == "HardSigmoid") {
      const bool fits = is_near(float_attribute(node, "alpha", 0.2F), 1.0 / 6) && is_near(float_attribute(node, "beta", 0.5F), 0.5);
      return fits ? std::optional(Gate{node.input(0), 1}) : std::nullopt;
    }
    const auto bounds = node.op_type() == "Clip" ? clamp_bounds(node, index_) : std::nullopt;
    if (!bounds || bounds->first != 0 || bounds->second != 6) return {};
    const auto* add = index_.producer(node.input(0));
    if (add == nullptr || add->op_type() != "Add" || !may_replace(*add, is_kept_) || !index_.only_use(add->output(0))) return {};
    for (const int side : {0, 1}) {
      if (const auto value = index_.scalar(add->input(side)); value && *value == 3) return Gate{add->input(1 - side), 6};
    }
    return {};
  }

  // What a multiplication or division by one constant multiplies `tensor` by.
  [[nodiscard]] std::optional<double> factor_of(const onnx::NodeProto& node, const std::string& tensor) const {
    if (node.op_type() != "Mul" && !(node.op_type() == "Div" && node.input(0) == tensor)) return {};
    const auto value = index_.scalar(other_operand(node, tensor));
    if (!value || *value == 0) return {};
    return node.op_type() == "Mul" ? *value : 1 / *value;
  }

  static const std::string& other_operand(const onnx::NodeProto& node, const std::string& tensor) {
    return node.input(node.input(0) == tensor ? 1 : 0);
  }

  const GraphIndex& index_;
  const IsKept& is_kept_;
};

}  // namespace

std::string fuse_hard_swish(Model& model, const IsKept& is_kept) {
  return fuse_written_out(model, "HardSwish", first_opset,
                          [&](const GraphIndex& index, int number) { return HardSwishFinder(index, is_kept).around(number); });
}

}  // namespace quantize
