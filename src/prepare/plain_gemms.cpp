// Gemm with a constant weight in its plain form y = x W + b, the one that integer kernels know: its factors go into the constants, and a
// transposed input is transposed by a node of its own. alpha goes into a node of its own, too, where W cannot take it.
//
//   BEFORE  y = Gemm <transA = 1, alpha = 0.5, beta = 2.0> (x, W, b)
//   AFTER   t = Transpose (x);  y = Gemm (t, 0.5 W, 2 b)
#include <array>
#include <map>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/fold_gemm_factors.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

class InputPreparation {
 public:
  explicit InputPreparation(onnx::GraphProto& graph) : names_(graph) {}

  // What is to stand ahead of the Gemm, which reads it from now on and does without the attributes.
  std::vector<onnx::NodeProto> take_from(onnx::NodeProto& gemm, const onnx::TensorProto& weight) {
    std::vector<onnx::NodeProto> ahead;
    if (int_attribute(gemm, "transA", 0) != 0) {
      ahead.push_back(reading_input_of(gemm, "Transpose", {}, "_transposed"));
      set_attribute(ahead.back(), "perm", std::array<std::int64_t, 2>{1, 0});
      remove_attribute(gemm, "transA");
    }
    const float alpha = float_attribute(gemm, "alpha", 1);
    if (alpha != 1 && weight.data_type() == onnx::TensorProto::FLOAT) {
      constants_.push_back(make_tensor(names_.unique(gemm.output(0) + "_alpha"), {}, std::vector{alpha}));
      ahead.push_back(reading_input_of(gemm, "Mul", {constants_.back().name()}, "_scaled"));
      remove_attribute(gemm, "alpha");
    }
    return ahead;
  }

  [[nodiscard]] const std::vector<onnx::TensorProto>& constants() const { return constants_; }

 private:
  onnx::NodeProto reading_input_of(onnx::NodeProto& gemm, const std::string& type, const std::vector<std::string>& operands,
                                   const std::string& ending) {
    std::vector<std::string> inputs = {gemm.input(0)};
    inputs.insert(inputs.end(), operands.begin(), operands.end());
    gemm.set_input(0, names_.unique(gemm.input(0) + ending));
    return make_node(type, inputs, {&gemm.input(0), 1});
  }

  NameMaker names_;
  std::vector<onnx::TensorProto> constants_;
};

}  // namespace

std::string plain_gemms(Model& model) {
  auto& graph = model.graph();
  auto changed = absorb_gemm_factors(graph);
  const GraphIndex index(graph);
  InputPreparation preparation(graph);
  std::map<int, std::vector<onnx::NodeProto>> ahead;
  for (int i = 0; i < graph.node_size(); ++i) {
    auto& node = *graph.mutable_node(i);
    const auto* weight = node.op_type() == "Gemm" && standard_domain(node) ? index.initializer(node.input(1)) : nullptr;
    if (weight == nullptr) continue;
    auto nodes = preparation.take_from(node, *weight);
    if (nodes.empty()) continue;
    ahead[i] = std::move(nodes);
    changed.insert(i);
  }
  if (changed.empty()) return {};
  insert_nodes(graph, ahead);
  for (const auto& constant : preparation.constants()) put_initializer(graph, constant);
  remove_unused(graph);
  return counted(changed.size(), "Gemm", "Gemms");
}

}  // namespace quantize
