#include "prepare/channel_affine.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "model/attribute.h"
#include "prepare/linear_node.h"

namespace quantize {
namespace {

bool is_read_elsewhere(const std::string& tensor, const GraphIndex& index) {
  return index.uses(tensor).size() > 1 || index.is_graph_output(tensor);
}

std::string weight_name(const LinearNode& linear, const GraphIndex& index, NameMaker& names) {
  const std::string& name = linear.weight->name();
  return is_read_elsewhere(name, index) ? names.unique(name + "_folded") : name;
}

// "conv1.weight" -> "conv1.bias", as the framework it came from would have named it.
std::string bias_name(const LinearNode& linear, const GraphIndex& index, NameMaker& names) {
  if (linear.bias != nullptr) {
    const std::string& name = linear.bias->name();
    return is_read_elsewhere(name, index) ? names.unique(name + "_folded") : name;
  }
  std::string stem = linear.weight->name();
  constexpr std::string_view ending = ".weight";
  if (stem.ends_with(ending)) return names.unique(stem.replace(stem.size() - ending.size(), ending.size(), ".bias"));
  return names.unique(stem + "_bias");
}

std::optional<LinearChange> make_change(int number, const LinearNode& linear, const std::vector<double>* weights,
                                        const std::vector<double>& bias, const GraphIndex& index, NameMaker& names) {
  const auto type = static_cast<ElementType>(linear.weight->data_type());
  LinearChange change;
  change.node = number;
  if (weights != nullptr) {
    change.weight = store("", shape_of(*linear.weight), type, *weights);
    if (!change.weight) return {};
  }
  auto stored_bias = store("", {linear.outputs}, type, bias);
  if (!stored_bias) return {};
  change.bias = std::move(*stored_bias);
  if (change.weight) change.weight->set_name(weight_name(linear, index, names));
  change.bias.set_name(bias_name(linear, index, names));
  return change;
}

}  // namespace

bool ChannelAffine::scales() const {
  return std::any_of(scale.begin(), scale.end(), [](double value) { return value != 1; });
}

bool ChannelAffine::shifts() const {
  return std::any_of(shift.begin(), shift.end(), [](double value) { return value != 0; });
}

bool ChannelAffine::is_finite() const {
  const auto finite = [](double value) { return std::isfinite(value); };
  return std::all_of(scale.begin(), scale.end(), finite) && std::all_of(shift.begin(), shift.end(), finite);
}

std::optional<std::int64_t> output_channels(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto linear = linear_node(node, index);
  if (!linear) return {};
  return linear->outputs;
}

std::optional<std::vector<double>> per_channel(const onnx::TensorProto& constant, int rank, std::int64_t channels) {
  if (constant.dims_size() > rank) return {};
  for (int i = 0; i < constant.dims_size(); ++i) {
    const int axis = rank - constant.dims_size() + i;
    if (constant.dims(i) != 1 && (axis != 1 || constant.dims(i) != channels)) return {};
  }
  auto values = double_values(constant);
  if (values.size() == 1) values.resize(static_cast<std::size_t>(channels), values.front());
  return values;
}

std::optional<LinearChange> absorb_after(int number, const ChannelAffine& affine, const GraphIndex& index, NameMaker& names) {
  const auto linear = linear_node(index.node(number), index);
  if (!linear || std::ssize(affine.scale) != linear->outputs || !affine.is_finite()) return {};
  std::vector<double> bias = linear->bias_values();
  for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * affine.scale[c] + affine.shift[c];
  if (!affine.scales()) return make_change(number, *linear, nullptr, bias, index, names);
  std::vector<double> weights = double_values(*linear->weight);
  linear->for_each_block([&](std::size_t begin, std::size_t end, std::size_t output, std::size_t) {
    for (std::size_t i = begin; i < end; ++i) weights[i] *= affine.scale[output];
  });
  return make_change(number, *linear, &weights, bias, index, names);
}

std::optional<LinearChange> absorb_before(int number, const ChannelAffine& affine, const GraphIndex& index, NameMaker& names) {
  const auto linear = linear_node(index.node(number), index);
  if (!linear || std::ssize(affine.scale) != linear->inputs || !affine.is_finite()) return {};
  if (!linear->reads_channels() || (affine.shifts() && !linear->reads_no_padding())) return {};
  std::vector<double> weights = double_values(*linear->weight);
  std::vector<double> bias = linear->bias_values();
  linear->for_each_block([&](std::size_t begin, std::size_t end, std::size_t output, std::size_t input) {
    for (std::size_t i = begin; i < end; ++i) {
      bias[output] += linear->alpha * weights[i] * affine.shift[input];
      weights[i] *= affine.scale[input];
    }
  });
  return make_change(number, *linear, affine.scales() ? &weights : nullptr, bias, index, names);
}

void apply_changes(onnx::GraphProto& graph, std::vector<LinearChange> changes) {
  std::unordered_map<std::string, onnx::TensorProto> tensors;
  for (auto& change : changes) {
    auto& node = *graph.mutable_node(change.node);
    if (change.weight) {
      node.set_input(1, change.weight->name());
      tensors[change.weight->name()] = std::move(*change.weight);
    }
    while (node.input_size() < 3) node.add_input();
    node.set_input(2, change.bias.name());
    remove_attribute(node, "beta");  // of a Gemm: it is in the bias now
    tensors[change.bias.name()] = std::move(change.bias);
  }
  for (auto& tensor : *graph.mutable_initializer()) {
    const auto found = tensors.find(tensor.name());
    if (found == tensors.end()) continue;
    tensor = std::move(found->second);
    tensors.erase(found);
  }
  for (const auto& change : changes) {  // in node order, so that the same model always gives the same file
    const auto& inputs = graph.node(change.node).input();
    for (const int i : {1, 2}) {
      const auto found = tensors.find(inputs.Get(i));
      if (found == tensors.end()) continue;
      *graph.add_initializer() = std::move(found->second);
      tensors.erase(found);
    }
  }
}

std::vector<double> double_values(const onnx::TensorProto& tensor) {
  if (tensor.data_type() == onnx::TensorProto::DOUBLE) {
    const Tensor values = from_proto(tensor);
    return {values.as<double>().begin(), values.as<double>().end()};
  }
  const auto values = float_values(tensor);
  return {values.begin(), values.end()};
}

std::optional<onnx::TensorProto> store(const std::string& name, const Shape& shape, ElementType type, const std::vector<double>& values) {
  if (type == onnx::TensorProto::DOUBLE) {
    Tensor tensor = Tensor::zeros(type, shape);
    std::copy(values.begin(), values.end(), tensor.as<double>().begin());
    return to_proto(name, tensor);
  }
  const double largest = type == onnx::TensorProto::FLOAT16 ? 65504.0 : 3.38e38;  // of bfloat16, a little under that of float
  if (std::any_of(values.begin(), values.end(), [&](double value) { return !(std::fabs(value) <= largest); })) return {};
  return make_float_tensor(name, shape, type, std::vector<float>(values.begin(), values.end()));
}

}  // namespace quantize
