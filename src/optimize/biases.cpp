#include "optimize/biases.h"

#include <set>
#include <string>

#include "encode/hazards.h"
#include "model/edit.h"
#include "model/graph.h"

namespace quantize {

void ensure_biases(Plan& plan) {
  NameMaker names(plan.model.graph());
  std::set<std::string> own;  // biases that nobody else reads, in bodies or as outputs of the model
  const GraphIndex index(plan.model.graph());
  for (const auto& [number, op] : plan.placement.weighted) {
    if (index.only_use(op.bias)) own.insert(op.bias);
  }
  for (auto& [number, op] : plan.placement.weighted) {
    auto& node = *plan.model.graph().mutable_node(number);
    if (node.op_type() == "MatMul") continue;
    std::vector<float> values(static_cast<std::size_t>(op.outputs));
    if (!op.bias.empty()) {
      const auto* bias = find_initializer(plan.model.graph(), op.bias);
      if (bias == nullptr || own.contains(op.bias)) continue;  // computed, or its own already
      if (!is_channel_bias(*bias, op)) continue;
      values = float_values(*bias);
    }
    op.bias = names.unique(op.weight + "_bias");
    put_initializer(plan.model.graph(), make_tensor(op.bias, {static_cast<std::int64_t>(values.size())}, values));
    while (node.input_size() < 3) node.add_input("");
    node.set_input(2, op.bias);
  }
}

std::vector<float> least_scales(const Plan& plan, const WeightedOp& op, const std::vector<float>& bias, std::size_t count) {
  std::vector<float> least(count, 0.0F);
  const auto input = plan.encodings.activations.find(op.input);
  if (input == plan.encodings.activations.end() || plan.encodings.weights.at(op.weight).block > 0) return least;
  for (std::size_t r = 0; r < bias.size() && r < count; ++r) {
    Encoding one{onnx::TensorProto::INT8, -1, {0.0F}, {0}, ""};
    const float doubled[] = {2 * bias[r]};
    protect_bias(one, doubled, input->second.scale[0], 1);
    least[r] = one.scale[0];
  }
  return least;
}

}  // namespace quantize
