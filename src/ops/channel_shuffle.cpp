#include "ops/channel_shuffle.h"

#include "model/attribute.h"
#include "model/tensor.h"

namespace quantize {
namespace {

// Of a Reshape; empty where it is no Reshape to a constant shape.
std::vector<std::int64_t> target_of(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto* shape = node.op_type() == "Reshape" && node.input_size() > 1 ? index.constant(node.input(1)) : nullptr;
  return shape != nullptr ? int_values(*shape) : std::vector<std::int64_t>{};
}

}  // namespace

std::optional<ChannelShuffle> channel_shuffle(int reshape, const GraphIndex& index) {
  const auto split = target_of(index.node(reshape), index);
  if (split.size() < 4 || split[1] < 1 || split[2] < 1) return {};
  const int transpose = index.only_reader(index.node(reshape).output(0));
  if (transpose < 0 || index.node(transpose).op_type() != "Transpose") return {};
  const int last = index.only_reader(index.node(transpose).output(0));
  if (last < 0) return {};
  const auto joined = target_of(index.node(last), index);
  const auto order = ints_attribute(index.node(transpose), "perm");
  if (joined.size() + 1 != split.size() || order.size() != split.size()) return {};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t wanted = i == 1 ? 2 : i == 2 ? 1 : i;
    if (order[i] != static_cast<std::int64_t>(wanted) || (i > 2 && split[i] != joined[i - 1])) return {};
  }
  if (split[0] != joined[0] || joined[1] != split[1] * split[2]) return {};
  return ChannelShuffle{index.node(reshape).input(0),
                        index.node(last).output(0),
                        {reshape, transpose, last},
                        static_cast<int>(split[1]),
                        static_cast<int>(split[2])};
}

}  // namespace quantize
