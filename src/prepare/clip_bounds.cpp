// Bounds in one form. Max and Min with one constant become Clip, bounds behind bounds become one, and a Clip that only cuts off the
// negatives is a Relu.
//
//   BEFORE  t = Max (x, zero);  y = Min (t, six)        AFTER  y = Clip (x, 0, 6)
//   BEFORE  t = Relu (x);  y = Clip (t, , 6)            AFTER  y = Clip (x, 0, 6)
//   BEFORE  y = Clip (x, 0)                             AFTER  y = Relu (x)
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "model/edit.h"
#include "model/graph.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// What people write for the largest float (3.4e38, 3.38e38) is no bound.
constexpr double unbounded_from = 3.3e38;

struct Bounds {
  std::string input;
  double low = -infinity, high = infinity;
};

bool may_be_clipped(ElementType type) { return is_float(type) && type != onnx::TensorProto::BFLOAT16; }

double bound_value(const onnx::TensorProto& tensor) {
  const double value = double_values(tensor).front();
  return std::fabs(value) >= unbounded_from ? std::copysign(infinity, value) : value;
}

// `outer` behind `inner`, as one.
Bounds merged(const Bounds& inner, const Bounds& outer) {
  return {inner.input, std::clamp(inner.low, outer.low, outer.high), std::clamp(inner.high, outer.low, outer.high)};
}

struct Found {
  int node;
  Bounds bounds;
};

class BoundsFinder {
 public:
  BoundsFinder(const GraphIndex& index, const ValueTypes& types, const IsKept& is_kept) : index_(index), types_(types), is_kept_(is_kept) {}

  // The last node of each chain of bounds that has to be rewritten; `absorbed` are the nodes before it in the chain.
  std::vector<Found> find(std::set<int>& absorbed) const {
    std::vector<Found> found;
    for (int i = index_.graph().node_size() - 1; i >= 0; --i) {
      const auto& node = index_.node(i);
      auto bounds = absorbed.contains(i) ? std::nullopt : bounds_of(node);
      if (!bounds) continue;
      bool rewrite =
          node.op_type() == "Max" || node.op_type() == "Min" || (node.op_type() == "Clip" && bounds->low == 0 && bounds->high == infinity);
      std::set<int> chain;
      for (int before = index_.producer_number(bounds->input); before >= 0; before = index_.producer_number(bounds->input)) {
        if (!index_.only_use(bounds->input)) break;
        const auto inner = bounds_of(index_.node(before));
        if (!inner) break;
        bounds = merged(*inner, *bounds);
        chain.insert(before);
        rewrite = true;
      }
      if (!rewrite || (bounds->low == -infinity && bounds->high == infinity)) continue;
      found.push_back({i, *bounds});
      absorbed.merge(chain);
    }
    return found;
  }

 private:
  // What the node does to its data input, as bounds; nothing where it is something else, or of integers, or leaves one value only.
  [[nodiscard]] std::optional<Bounds> bounds_of(const onnx::NodeProto& node) const {
    if (!may_replace(node, is_kept_) || node.output_size() != 1 || !may_be_clipped(types_.of(node.output(0)).type)) return {};
    std::optional<Bounds> bounds;
    if (node.op_type() == "Relu") bounds = Bounds{node.input(0), 0, infinity};
    if (node.op_type() == "Clip") bounds = clip_values(node);
    if (node.op_type() == "Max" || node.op_type() == "Min") bounds = extremum_bounds(node);
    if (!bounds || !(bounds->low <= bounds->high) || bounds->low == infinity || bounds->high == -infinity) return {};
    return bounds;
  }

  // Max (x, c) and Min (x, c) with one value that does not widen x.
  [[nodiscard]] std::optional<Bounds> extremum_bounds(const onnx::NodeProto& node) const {
    if (node.input_size() != 2) return {};
    const int constant_at = index_.initializer(node.input(1)) != nullptr ? 1 : 0;
    const auto* constant = index_.initializer(node.input(constant_at));
    Bounds bounds{node.input(1 - constant_at)};
    if (constant == nullptr || index_.initializer(bounds.input) != nullptr || element_count(shape_of(*constant)) != 1) return {};
    if (constant->dims_size() > std::max(types_.rank(bounds.input), 0)) return {};
    (node.op_type() == "Max" ? bounds.low : bounds.high) = bound_value(*constant);
    return bounds;
  }

  [[nodiscard]] std::optional<Bounds> clip_values(const onnx::NodeProto& node) const {
    Bounds bounds{node.input(0)};
    for (const int i : {1, 2}) {
      if (node.input_size() <= i || node.input(i).empty()) continue;
      const auto* constant = index_.initializer(node.input(i));
      if (constant == nullptr || element_count(shape_of(*constant)) != 1) return {};
      (i == 1 ? bounds.low : bounds.high) = bound_value(*constant);
    }
    return bounds;
  }

  const GraphIndex& index_;
  const ValueTypes& types_;
  const IsKept& is_kept_;
};

void write(onnx::GraphProto& graph, const Found& found, ElementType type, NameMaker& names) {
  auto& node = *graph.mutable_node(found.node);
  const auto& bounds = found.bounds;
  node.clear_input();
  node.clear_attribute();
  node.add_input(bounds.input);
  if (bounds.low == 0 && bounds.high == infinity) {
    node.set_op_type("Relu");
    return;
  }
  node.set_op_type("Clip");
  const auto add = [&](double value, const char* role) {
    if (!std::isfinite(value)) {
      if (role == std::string("min")) node.add_input("");
      return;
    }
    const std::string name = names.unique(node.output(0) + "_" + role);
    *graph.add_initializer() = *store(name, {}, type, {value});
    node.add_input(name);
  };
  add(bounds.low, "min");
  add(bounds.high, "max");
}

}  // namespace

std::string clip_bounds(Model& model, const IsKept& is_kept) {
  auto& graph = model.graph();
  if (opset_of(model.proto) < 13) return {};  // bounds are attributes there
  std::vector<Found> found;
  const ValueTypes types(model.proto);
  std::set<int> absorbed;
  {
    const GraphIndex index(graph);
    found = BoundsFinder(index, types, is_kept).find(absorbed);
  }
  NameMaker names(graph);
  for (const auto& one : found) write(graph, one, types.of(graph.node(one.node).output(0)).type, names);
  remove_nodes(graph, absorbed);
  if (!found.empty()) remove_unused(graph);
  return counted(found.size(), "bound", "bounds");
}

}  // namespace quantize
