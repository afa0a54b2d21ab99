// HardSigmoid behind a convolution is an affine map, which goes into the weights, and a Clip, which an encoding can stand for: the gates of
// squeeze-and-excite then run on integers.
//
//   BEFORE  c = Conv (x, W, b);  y = HardSigmoid <alpha, beta> (c)
//   AFTER   c = Conv (x, alpha W, alpha b + beta);  y = Clip (c, 0, 1)                                         alpha > 0
#include <cmath>

#include "model/attribute.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

constexpr std::int64_t first_opset = 11;  // whose Clip has its bounds as inputs

// alpha and beta as one map for all channels of what `maker` makes.
ChannelAffine map_of(const onnx::NodeProto& node, std::int64_t channels) {
  const auto count = static_cast<std::size_t>(channels);
  return {std::vector<double>(count, static_cast<double>(float_attribute(node, "alpha", 0.2F))),
          std::vector<double>(count, static_cast<double>(float_attribute(node, "beta", 0.5F)))};
}

bool fold_one(Model& model, const IsKept& is_kept, std::string& zero, std::string& one) {
  auto& graph = model.graph();
  const GraphIndex index(graph);
  NameMaker names(graph);
  for (int i = 0; i < graph.node_size(); ++i) {
    auto& node = *graph.mutable_node(i);
    if (node.op_type() != "HardSigmoid" || !standard_domain(node) || !index.only_use(node.input(0))) continue;
    if (is_kept && is_kept(node)) continue;
    const int maker = index.producer_number(node.input(0));
    const bool shared = maker >= 0 && graph.node(maker).input_size() > 1 && index.uses(graph.node(maker).input(1)).size() > 1;
    const auto channels = maker >= 0 && !shared ? output_channels(graph.node(maker), index) : std::nullopt;
    const auto map = channels ? map_of(node, *channels) : ChannelAffine{};
    if (!channels || !map.is_finite() || map.scale.empty() || !(map.scale[0] > 0)) continue;
    auto change = absorb_after(maker, map, index, names);
    if (!change) continue;
    if (zero.empty()) {
      zero = names.unique("clip_zero"), one = names.unique("clip_one");
      put_initializer(graph, make_tensor(zero, {}, std::vector<float>{0}));
      put_initializer(graph, make_tensor(one, {}, std::vector<float>{1}));
    }
    const std::string name = node.name(), inputs[] = {node.input(0), zero, one}, output[] = {node.output(0)};
    node = make_node("Clip", inputs, output);
    node.set_name(name);
    std::vector<LinearChange> changes;
    changes.push_back(std::move(*change));
    apply_changes(graph, std::move(changes));
    return true;
  }
  return false;
}

}  // namespace

std::string fold_hard_sigmoids(Model& model, const IsKept& is_kept) {
  if (opset_of(model.proto) < first_opset) return {};
  std::size_t folded = 0;
  std::string zero, one;
  while (fold_one(model, is_kept, zero, one)) ++folded;
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "HardSigmoid", "HardSigmoids");
}

}  // namespace quantize
