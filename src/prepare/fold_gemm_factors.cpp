// Gemm's own factors go into its constants, so that every Gemm is a plain product with a bias.
//
//   BEFORE  y = Gemm <alpha = 0.5, beta = 2> (x, W, b)        AFTER  y = Gemm (x, 0.5 W, 2 b)
//
// A factor stays where its input is computed, or is a large constant that others read as it is.
#include "prepare/fold_gemm_factors.h"

#include <optional>
#include <string>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/tied_weights.h"

namespace quantize {
namespace {

struct Absorbed {
  int node, input;
  std::string factor;                       // the attribute's name
  std::optional<onnx::TensorProto> scaled;  // nothing where the node has no such input
};

// Nothing where there is no factor, or the input it belongs to cannot take it.
std::optional<Absorbed> absorbed(int number, int input, const std::string& name, const GraphIndex& index, NameMaker& names) {
  const auto& node = index.node(number);
  const auto factor = static_cast<double>(float_attribute(node, name, 1));
  if (factor == 1) return {};
  Absorbed result{number, input, name, {}};
  if (node.input_size() <= input || node.input(input).empty()) return result;
  const auto* constant = index.initializer(node.input(input));
  if (constant == nullptr || constant->data_type() != onnx::TensorProto::FLOAT) return {};
  auto values = double_values(*constant);
  for (auto& value : values) value *= factor;
  const std::string& old = constant->name();
  result.scaled = store(index.only_use(old) ? old : names.unique(old + "_scaled"), shape_of(*constant), onnx::TensorProto::FLOAT, values);
  return result.scaled ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace

std::set<int> absorb_gemm_factors(onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  NameMaker names(graph);
  std::vector<Absorbed> found;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (graph.node(i).op_type() != "Gemm" || !standard_domain(graph.node(i))) continue;
    if (auto alpha = absorbed(i, 1, "alpha", index, names)) found.push_back(std::move(*alpha));
    if (auto beta = absorbed(i, 2, "beta", index, names)) found.push_back(std::move(*beta));
  }
  std::vector<ConstantChange> changes;
  for (auto& one : found) {
    if (one.scaled) changes.push_back({one.node, one.input, &*one.scaled});
  }
  const auto refused = refused_copies(changes, index);
  std::set<int> changed;
  for (auto& one : found) {
    if (refused.contains({one.node, one.input})) continue;
    auto& node = *graph.mutable_node(one.node);
    remove_attribute(node, one.factor);
    changed.insert(one.node);
    if (!one.scaled) continue;
    node.set_input(one.input, one.scaled->name());
    put_initializer(graph, std::move(*one.scaled));
  }
  return changed;
}

std::string fold_gemm_factors(Model& model) {
  const auto changed = absorb_gemm_factors(model.graph());
  if (!changed.empty()) remove_unused(model.graph());
  return counted(changed.size(), "Gemm", "Gemms");
}

}  // namespace quantize
