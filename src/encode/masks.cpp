#include "encode/masks.h"

#include <algorithm>
#include <cmath>

#include "model/tensor.h"
#include "ops/op_table.h"

namespace quantize {
namespace {

constexpr float far = 1000, near = 1;  // a step of 8 bits of what reaches `far` is larger than what lies within `near`

// What the node makes of the constant and its other operand: numbers far away beside others.
bool makes_mask(const onnx::NodeProto& node, const onnx::TensorProto& constant) {
  if (constant.data_type() != onnx::TensorProto::FLOAT) return false;
  bool any_far = false, any_near = node.op_type() == "Where", all_below = true;
  for (const float value : float_values(constant)) {
    if (std::isinf(value)) return true;
    any_far |= std::fabs(value) >= far;
    any_near |= std::fabs(value) <= near;
    all_below &= value <= -far;
  }
  // (1 - mask) * -10000, of a mask that is fed.
  return any_far && (any_near || (all_below && node.op_type() == "Mul"));
}

bool may_bring_in(const onnx::NodeProto& node) {
  static const std::set<std::string> types = {"Add", "Sub", "Mul", "Where", "Concat"};
  return standard_domain(node) && types.contains(node.op_type());
}

}  // namespace

std::set<int> masked_nodes(const GraphIndex& index) {
  std::set<int> masked;
  for (int i = 0; i < index.graph().node_size(); ++i) {
    const auto& node = index.node(i);
    const bool brings_in = may_bring_in(node);
    if (!brings_in && role_of(node, index) != Role::moving) continue;
    const bool any = std::ranges::any_of(node.input(), [&](const std::string& input) {
      const auto* constant = brings_in ? index.constant(input) : nullptr;  // the other values of a Where are its other operand's
      return masked.contains(index.producer_number(input)) || (constant != nullptr && makes_mask(node, *constant));
    });
    if (any) masked.insert(i);
  }
  return masked;
}

}  // namespace quantize
