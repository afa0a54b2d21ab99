// HardSigmoid behind a convolution is an affine map, which goes into the weights, and a Clip, which an encoding can stand for: the gates of
// squeeze-and-excite then run on integers.
//
//   BEFORE  c = Conv (x, W, b);  y = HardSigmoid <alpha, beta> (c)
//   AFTER   c = Conv (x, alpha W, alpha b + beta);  y = Clip (c, 0, 1)                                         alpha > 0
#include <optional>
#include <vector>

#include "model/attribute.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

constexpr std::int64_t first_opset = 11;  // whose Clip has its bounds as inputs

// alpha and beta as one map, the same for all channels.
ChannelAffine map_of(const onnx::NodeProto& node, std::int64_t channels) {
  const auto count = static_cast<std::size_t>(channels);
  return {std::vector<double>(count, static_cast<double>(float_attribute(node, "alpha", 0.2F))),
          std::vector<double>(count, static_cast<double>(float_attribute(node, "beta", 0.5F)))};
}

struct Folded {
  int node;
  LinearChange change;
};

// What the maker of its input becomes; nothing where that has other readers.
std::optional<LinearChange> change_before(const onnx::NodeProto& node, const GraphIndex& index, NameMaker& names) {
  const int maker = index.only_use(node.input(0)) ? index.producer_number(node.input(0)) : -1;
  const auto channels = maker >= 0 ? output_channels(index.node(maker), index) : std::nullopt;
  if (!channels || *channels == 0) return {};
  const auto map = map_of(node, *channels);
  return map.scale[0] > 0 ? absorb_after(maker, map, index, names) : std::nullopt;
}

}  // namespace

std::string fold_hard_sigmoids(Model& model, const IsKept& is_kept) {
  if (opset_of(model.proto) < first_opset) return {};
  auto& graph = model.graph();
  const GraphIndex index(graph);
  NameMaker names(graph);
  std::vector<Folded> folded;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (graph.node(i).op_type() != "HardSigmoid" || !may_replace(graph.node(i), is_kept)) continue;
    auto change = change_before(graph.node(i), index, names);
    if (change) folded.push_back({i, std::move(*change)});
  }
  drop_copies(folded, index);
  if (folded.empty()) return {};
  std::vector<LinearChange> changes;
  const std::string zero = names.unique("clip_zero"), one = names.unique("clip_one");
  for (auto& [number, change] : folded) {
    changes.push_back(std::move(change));
    auto& node = *graph.mutable_node(number);
    const std::string name = node.name(), inputs[] = {node.input(0), zero, one}, output[] = {node.output(0)};
    node = make_node("Clip", inputs, output);
    node.set_name(name);
  }
  apply_changes(graph, std::move(changes));
  put_initializer(graph, make_tensor(zero, {}, std::vector<float>{0}));
  put_initializer(graph, make_tensor(one, {}, std::vector<float>{1}));
  remove_unused(graph);
  return counted(folded.size(), "HardSigmoid", "HardSigmoids");
}

}  // namespace quantize
