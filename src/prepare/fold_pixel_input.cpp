// Pixels that are normalised inside the model, before a convolution that pads: the zeros around the image are zeros of the normalised
// values, not of the pixels, so that mean and std cannot simply go into weights and bias. An additional channel that is 255 on the image
// and 0 around it carries the shift, exactly:
//
//   BEFORE  v = Cast (p);  t = Mul (v, a);  x = Add (t, b);  y = Conv (x, W, c)                     p of type uint8
//   AFTER   p1 = Pad (p, one channel of 255);  v = Cast (p1);  y = Conv (v, W1, c)      W1 = [a W, sum over channels of b W / 255]
//
// The convolution then reads the pixels themselves: no rounding of the input at all, and nothing in float before it. Where nothing is
// padded, or the normalisation only scales (b = 0), weights and bias take it as they are:
//
//   AFTER   v = Cast (p);  y = Conv (v, a W, c + sum of b W)
//
// Any run of operators with constants stands for Mul and Add, and a Transpose of the channels to the front, before, behind or between
// them, becomes one of the pixels.
#include "model/attribute.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"
#include "prepare/pixel_path.h"

namespace quantize {
namespace {

constexpr double padded_value = 255;

// From a Cast of pixels; nothing where there is no arithmetic behind it.
std::optional<PixelPath> path_from(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types, const IsKept& is_kept) {
  if (node.op_type() != "Cast" || !may_replace(node, is_kept)) return {};
  if (types.of(node.input(0)).type != onnx::TensorProto::UINT8 || types.rank(node.input(0)) != 4) return {};
  auto path = pixel_path(node.output(0), index, types, is_kept);
  return path && path->has_arithmetic ? path : std::nullopt;
}

// The weight for pixels, with the additional channel's.
onnx::TensorProto weight_for_pixels(const onnx::TensorProto& weight, const ChannelAffine& map) {
  Shape shape = shape_of(weight);
  const auto channels = static_cast<std::size_t>(shape[1]);
  const auto area = static_cast<std::size_t>(element_count(shape)) / static_cast<std::size_t>(shape[0]) / channels;
  const auto old = float_values(weight);
  std::vector<float> values;
  for (std::int64_t output = 0; output < shape[0]; ++output) {
    const float* block = old.data() + static_cast<std::size_t>(output) * channels * area;
    std::vector<double> shift(area);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < area; ++i) {
        const double value = block[c * area + i];
        values.push_back(static_cast<float>(value * map.scale[c]));
        shift[i] += value * map.shift[c] / padded_value;
      }
    }
    for (const double value : shift) values.push_back(static_cast<float>(value));
  }
  ++shape[1];
  return make_tensor(weight.name(), shape, values);
}

// The Pad that adds it; its input and output are still to be named.
onnx::NodeProto channel_of_255(onnx::GraphProto& graph, const std::string& pixels, NameMaker& names) {
  const std::string pads = names.unique(pixels + "_pads"), value = names.unique(pixels + "_255");
  const std::int64_t one_channel[] = {0, 0, 0, 0, 0, 1, 0, 0};
  const std::int32_t full[] = {static_cast<std::int32_t>(padded_value)};
  put_initializer(graph, make_tensor(pads, {8}, one_channel));
  put_initializer(graph, make_tensor(value, {}, onnx::TensorProto::UINT8, full));
  onnx::NodeProto pad = make_node("Pad", std::vector<std::string>{"", pads, value}, std::vector<std::string>{""});
  pad.set_name(names.unique(pixels + "_pad"));
  return pad;
}

// The convolution reads the pixels through new nodes; who else stood between them goes.
void read_pixels(onnx::GraphProto& graph, const onnx::NodeProto& cast, const PixelPath& path, bool one_more, NameMaker& names) {
  std::string last = cast.input(0);
  std::vector<onnx::NodeProto> nodes;
  const auto add = [&](onnx::NodeProto node, const std::string& ending) {
    node.set_input(0, last);
    last = names.unique(last + ending);
    node.set_output(0, last);
    nodes.push_back(std::move(node));
  };
  if (path.transpose >= 0) add(graph.node(path.transpose), "_planes");
  if (one_more) add(channel_of_255(graph, last, names), "_and_255");
  add(cast, "_values");
  graph.mutable_node(path.conv)->set_input(0, last);
  insert_nodes(graph, {{path.conv, nodes}});
  remove_unused(graph);
}

void fold(onnx::GraphProto& graph, int cast, const PixelPath& path, const GraphIndex& index) {
  NameMaker names(graph);
  auto change = absorb_before(path.conv, path.map, index, names);
  const bool one_more = !change;
  if (change) {
    std::vector<LinearChange> changes;
    changes.push_back(std::move(*change));
    apply_changes(graph, std::move(changes));
  } else {
    put_initializer(graph, weight_for_pixels(*find_initializer(graph, graph.node(path.conv).input(1)), path.map));
  }
  read_pixels(graph, graph.node(cast), path, one_more, names);
}

}  // namespace

std::string fold_pixel_input(Model& model, const IsKept& is_kept) {
  const GraphIndex index(model.graph());
  const ValueTypes types(model.proto);
  for (int i = 0; i < model.graph().node_size(); ++i) {
    if (const auto path = path_from(model.graph().node(i), index, types, is_kept)) {
      fold(model.graph(), i, *path, index);
      return "normalisation of the pixels folded into one convolution";
    }
  }
  return {};
}

}  // namespace quantize
