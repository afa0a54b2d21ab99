// Gelu as exporters write it out before opset 20, x * (1 + erf (x / sqrt 2)) / 2, in its several orders. One operator in place of five is
// rounded once, and is one kernel.
//
//   BEFORE  d = Div (x, sqrt 2);  e = Erf (d);  a = Add (e, 1);  m = Mul (x, a);  y = Mul (m, 1/2)      or a or x halved before they meet
//   AFTER   y = Gelu (x)                                                                               opset 20
#include <cmath>
#include <numbers>
#include <optional>

#include "model/graph.h"
#include "prepare/fuse_written_out.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

constexpr std::int64_t first_opset = 20;

// As near as half precision comes, which may have been that of the constants.
bool is_near(double value, double wanted) { return std::fabs(value - wanted) <= 0x1p-11 * wanted; }

class GeluFinder {
 public:
  GeluFinder(const GraphIndex& index, const IsKept& is_kept) : index_(index), is_kept_(is_kept) {}

  // The Gelu around this Erf.
  [[nodiscard]] std::optional<WrittenOut> around(const onnx::NodeProto& erf) const {
    if (erf.op_type() != "Erf" || !may_replace(erf, is_kept_) || !index_.only_use(erf.input(0))) return {};
    const auto scaled = scaling(index_.producer(erf.input(0)));
    if (!scaled || !is_near(scaled->factor, 1 / std::numbers::sqrt2)) return {};
    const auto sum = index_.only_use(erf.output(0));
    if (!sum || sum->input < 0 || index_.node(sum->node).op_type() != "Add" || !may_replace(index_.node(sum->node), is_kept_)) return {};
    const auto one = index_.scalar(index_.node(sum->node).input(1 - sum->input));
    if (!one || *one != 1) return {};
    return multiplied(sum->node, scaled->input);
  }

 private:
  struct Scaling {
    std::string input;
    double factor;
  };

  // A tensor times or by one constant.
  [[nodiscard]] std::optional<Scaling> scaling(const onnx::NodeProto* node) const {
    if (node == nullptr || !may_replace(*node, is_kept_) || (node->op_type() != "Mul" && node->op_type() != "Div")) return {};
    for (const int side : {1, 0}) {
      const auto value = index_.scalar(node->input(side));
      if (!value || *value == 0 || (side == 0 && node->op_type() == "Div")) continue;
      return Scaling{node->input(1 - side), node->op_type() == "Mul" ? *value : 1 / *value};
    }
    return {};
  }

  // Times x and one half, from the sum on.
  [[nodiscard]] std::optional<WrittenOut> multiplied(int node, const std::string& x) const {
    bool with_x = false, halved = false;
    while (!with_x || !halved) {
      const auto use = index_.only_use(index_.node(node).output(0));
      if (!use || use->input < 0) return {};
      node = use->node;
      const auto& next = index_.node(node);
      if (const auto scaled = scaling(&next); scaled && !halved && is_near(scaled->factor, 0.5)) {
        halved = true;
        continue;
      }
      if (next.op_type() != "Mul" || !may_replace(next, is_kept_) || with_x) return {};
      const std::string& other = next.input(1 - use->input);
      const auto half = other == x ? std::nullopt : scaling(index_.producer(other));
      const bool half_of_x = half && !halved && half->input == x && is_near(half->factor, 0.5) && index_.only_use(other);
      if (other != x && !half_of_x) return {};
      with_x = true;
      halved |= half_of_x;
    }
    return WrittenOut{x, node};
  }

  const GraphIndex& index_;
  const IsKept& is_kept_;
};

}  // namespace

std::string fuse_gelu(Model& model, const IsKept& is_kept) {
  return fuse_written_out(model, "Gelu", first_opset,
                          [&](const GraphIndex& index, int number) { return GeluFinder(index, is_kept).around(index.node(number)); });
}

}  // namespace quantize
