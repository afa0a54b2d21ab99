// CastLike reads a tensor for its type alone. Where that is known it is a Cast, which depends on nothing else: PyTorch's exporter writes
// the bias that a convolution lacks as Expand (CastLike (0, x), shape), a constant that would seem to hang on the picture.
//
//   BEFORE  y = CastLike (a, x)          AFTER  y = Cast <to = type of x> (a)
#include <algorithm>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {

std::string plain_casts(Model& model) {
  const auto is_like = [](const onnx::NodeProto& node) { return node.op_type() == "CastLike" && standard_domain(node); };
  auto& nodes = *model.graph().mutable_node();
  if (std::ranges::none_of(nodes, is_like)) return {};
  const ValueTypes types(model.proto);
  std::size_t changed = 0;
  for (auto& node : nodes) {
    if (!is_like(node)) continue;
    const auto type = types.of(node.input(1)).type;
    if (type == onnx::TensorProto::UNDEFINED) continue;
    node.set_op_type("Cast");
    node.mutable_input()->RemoveLast();
    set_attribute(node, "to", static_cast<std::int64_t>(type));
    ++changed;
  }
  if (changed > 0) remove_unused(model.graph());
  return counted(changed, "CastLike", "CastLikes");
}

}  // namespace quantize
