// Pixels that are normalised inside the model, before a convolution that pads: the zeros around the image are zeros of the normalised
// values, not of the pixels, so that mean and std cannot simply go into weights and bias. An additional channel that is 255 on the image
// and 0 around it carries the shift, exactly:
//
//   BEFORE  v = Cast (p);  t = Mul (v, a);  x = Add (t, b);  y = Conv (x, W, c)                     p of type uint8
//   AFTER   p1 = Pad (p, one channel of 255);  v = Cast (p1);  y = Conv (v, W1, c)      W1 = [a W, sum over channels of b W / 255]
//
// The convolution then reads the pixels themselves: no rounding of the input at all, and nothing in float before it. Where the
// normalisation only scales (b = 0), the pixels' zero is the values' zero and W1 = a W, without that channel.
#include <algorithm>

#include "model/attribute.h"
#include "prepare/channel_affine.h"
#include "prepare/linear_node.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

constexpr double padded_value = 255;

struct PixelChain {
  int cast = -1, mul = -1, add = -1, conv = -1;
  std::vector<double> factor, summand;

  [[nodiscard]] bool only_scales() const {
    return std::ranges::all_of(summand, [](double value) { return value == 0; });
  }
};

// One value per channel of a constant of shape [C, 1, 1] or [1, C, 1, 1].
std::vector<double> channel_constant(const std::string& name, std::int64_t channels, const GraphIndex& index) {
  const auto* tensor = index.initializer(name);
  if (tensor == nullptr || element_count(shape_of(*tensor)) != channels) return {};
  const int rank = tensor->dims_size();
  return rank >= 3 && tensor->dims(rank - 3) == channels ? double_values(*tensor) : std::vector<double>{};
}

std::optional<PixelChain> chain_from(int cast, const GraphIndex& index, const ValueTypes& types) {
  const auto& node = index.node(cast);
  if (node.op_type() != "Cast" || types.of(node.input(0)).type != onnx::TensorProto::UINT8 || types.rank(node.input(0)) != 4) return {};
  PixelChain chain;
  chain.cast = cast;
  chain.mul = index.only_reader(node.output(0));
  if (chain.mul < 0 || index.node(chain.mul).op_type() != "Mul") return {};
  chain.add = index.only_reader(index.node(chain.mul).output(0));
  if (chain.add < 0 || index.node(chain.add).op_type() != "Add") return {};
  chain.conv = index.only_reader(index.node(chain.add).output(0));
  if (chain.conv < 0 || index.node(chain.conv).op_type() != "Conv") return {};
  const auto linear = linear_node(index.node(chain.conv), index);
  if (!linear || linear->groups != 1 || linear->weight->data_type() != onnx::TensorProto::FLOAT) return {};
  if (index.uses(linear->weight->name()).size() != 1) return {};
  chain.factor = channel_constant(index.node(chain.mul).input(1), linear->inputs, index);
  chain.summand = channel_constant(index.node(chain.add).input(1), linear->inputs, index);
  return chain.factor.empty() || chain.summand.empty() ? std::nullopt : std::optional(chain);
}

// The weight for pixels, with the additional channel's where there is one.
onnx::TensorProto weight_for_pixels(const onnx::TensorProto& weight, const PixelChain& chain) {
  Shape shape = shape_of(weight);
  const auto channels = static_cast<std::size_t>(shape[1]);
  const auto area = static_cast<std::size_t>(element_count(shape)) / static_cast<std::size_t>(shape[0]) / channels;
  const auto old = float_values(weight);
  std::vector<float> values;
  const bool one_more = !chain.only_scales();
  for (std::int64_t output = 0; output < shape[0]; ++output) {
    const float* block = old.data() + static_cast<std::size_t>(output) * channels * area;
    std::vector<double> shift(area);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < area; ++i) {
        const double value = block[c * area + i];
        values.push_back(static_cast<float>(value * chain.factor[c]));
        shift[i] += value * chain.summand[c] / padded_value;
      }
    }
    if (!one_more) continue;
    for (const double value : shift) values.push_back(static_cast<float>(value));
  }
  if (one_more) ++shape[1];
  return make_tensor(weight.name(), shape, values);
}

void add_channel(onnx::GraphProto& graph, const PixelChain& chain) {
  NameMaker names(graph);
  const std::string pixels = graph.node(chain.cast).input(0), padded = names.unique(pixels + "_and_255"),
                    pads = names.unique(pixels + "_pads"), value = names.unique(pixels + "_255");
  const std::int64_t one_channel[] = {0, 0, 0, 0, 0, 1, 0, 0};
  const std::int32_t full[] = {static_cast<std::int32_t>(padded_value)};
  put_initializer(graph, make_tensor(pads, {8}, one_channel));
  put_initializer(graph, make_tensor(value, {}, onnx::TensorProto::UINT8, full));
  graph.mutable_node(chain.cast)->set_input(0, padded);
  onnx::NodeProto pad = make_node("Pad", std::vector{pixels, pads, value}, {&padded, 1});
  pad.set_name(names.unique(padded));
  insert_nodes(graph, {{chain.cast, {pad}}});
}

void fold(onnx::GraphProto& graph, const PixelChain& chain) {
  auto& conv = *graph.mutable_node(chain.conv);
  put_initializer(graph, weight_for_pixels(*find_initializer(graph, conv.input(1)), chain));
  conv.set_input(0, graph.node(chain.cast).output(0));
  if (!chain.only_scales()) add_channel(graph, chain);
  remove_unused(graph);  // Mul and Add
}

}  // namespace

std::string fold_pixel_input(Model& model) {
  const GraphIndex index(model.graph());
  const ValueTypes types(model.proto);
  for (int i = 0; i < model.graph().node_size(); ++i) {
    if (const auto chain = chain_from(i, index, types)) {
      fold(model.graph(), *chain);
      return "normalisation of the pixels folded into one convolution";
    }
  }
  return {};
}

}  // namespace quantize
