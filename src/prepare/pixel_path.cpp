#include "prepare/pixel_path.h"

#include "model/attribute.h"
#include "prepare/linear_node.h"

namespace quantize {

bool turns_channels_to_the_front(const onnx::NodeProto& node) {
  return node.op_type() == "Transpose" && ints_attribute(node, "perm") == std::vector<std::int64_t>{0, 3, 1, 2};
}

namespace {

// How many channels the convolution reads; nothing where it cannot read pixels.
std::optional<std::size_t> channels_read(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto linear = linear_node(node, index);
  if (!linear || linear->kind != LinearNode::Kind::conv || linear->groups != 1) return {};
  const auto& weight = *linear->weight;
  if (weight.dims_size() != 4 || weight.data_type() != onnx::TensorProto::FLOAT || !index.only_use(weight.name())) return {};
  return static_cast<std::size_t>(linear->inputs);
}

// Whether the run's constants are one value per channel, in this axis.
bool goes_by_channel(const AffineRun& run, int axis, std::size_t channels) {
  return run.axis == 0 || (run.axis == axis && channels == run.count());
}

}  // namespace

std::optional<PixelPath> pixel_path(const std::string& picture, const GraphIndex& index, const ValueTypes& types, const IsKept& is_kept) {
  constexpr int front = -3, last = -1;
  const AffineRuns runs(index, types, is_kept);
  PixelPath path;
  const auto ahead = runs.behind(picture);
  auto behind = ahead;
  int reader = index.only_reader(ahead.output);
  if (reader >= 0 && turns_channels_to_the_front(index.node(reader))) {
    path.transpose = reader;
    behind = runs.behind(index.node(reader).output(0));
    reader = index.only_reader(behind.output);
  }
  const auto channels = reader >= 0 ? channels_read(index.node(reader), index) : std::nullopt;
  const bool turns = path.transpose >= 0;
  if (!channels || !goes_by_channel(ahead, turns ? last : front, *channels) || !goes_by_channel(behind, front, *channels)) return {};
  path.conv = reader;
  path.has_arithmetic = !ahead.nodes.empty() || !behind.nodes.empty();
  path.map = composed({std::vector<double>(*channels, 1.0), std::vector<double>(*channels, 0.0)}, ahead.map);
  if (turns) path.map = composed(path.map, behind.map);
  return path;
}

}  // namespace quantize
