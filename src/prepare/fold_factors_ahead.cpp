// One factor or summand for all values, ahead of a Conv, ConvTranspose or Gemm that alone reads the result, goes into its weights: what
// nets with a learned affine map behind each activation function (PP-LCNet) compute on every value.
//
//   BEFORE  t = Mul (x, a);  u = Add (t, b);  y = Conv (u, W, c)
//   AFTER   y = Conv (x, a W, c + b sum W)                             where no zeros are padded
//   AFTER   u = Add (x, b / a);  y = Conv (u, a W, c)                  where they are: they would have to be shifted as well
#include <cmath>
#include <optional>
#include <set>

#include "ops/op_table.h"
#include "prepare/channel_affine.h"
#include "prepare/linear_node.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

// A Mul, Div, Add or Sub of a tensor and one constant value.
struct OneValue {
  std::string input;
  double scale = 1, shift = 0;
};

std::optional<OneValue> one_value(const onnx::NodeProto& node, const GraphIndex& index) {
  static const std::set<std::string> types = {"Mul", "Div", "Add", "Sub"};
  const auto& type = node.op_type();
  if (!standard_domain(node) || !types.contains(type) || node.input_size() != 2) return {};
  const int at = index.initializer(node.input(1)) != nullptr ? 1 : 0;
  const auto* constant = index.initializer(node.input(at));
  if (constant == nullptr || constant->data_type() != onnx::TensorProto::FLOAT || constant->dims_size() > 1) return {};
  if (element_count(shape_of(*constant)) != 1 || index.initializer(node.input(1 - at)) != nullptr) return {};
  const double value = double_values(*constant).front();
  OneValue result{node.input(1 - at)};
  if (type == "Mul") result.scale = value;
  if (type == "Div" && at == 1) result.scale = 1 / value;
  if (type == "Add") result.shift = value;
  if (type == "Sub" && at == 1) result.shift = -value;
  const bool known = at == 1 || type == "Mul" || type == "Add";
  const bool usable = std::isfinite(result.scale) && std::isfinite(result.shift) && result.scale != 0;
  return known && usable ? std::optional(result) : std::nullopt;
}

int only_reader(const std::string& tensor, const GraphIndex& index) {
  const auto& uses = index.uses(tensor);
  return uses.size() == 1 && uses[0].input == 0 && !index.is_graph_output(tensor) ? uses[0].node : -1;
}

// One map into its reader; false where there is none left.
bool absorb_one(onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  NameMaker names(graph);
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto map = one_value(graph.node(i), index);
    const int reader = map ? only_reader(graph.node(i).output(0), index) : -1;
    const auto linear = reader >= 0 ? linear_node(graph.node(reader), index) : std::nullopt;
    if (!linear || !linear->reads_channels()) continue;
    const auto channels = static_cast<std::size_t>(linear->inputs);
    auto change =
        absorb_before(reader, {std::vector<double>(channels, map->scale), std::vector<double>(channels, map->shift)}, index, names);
    if (!change) continue;
    graph.mutable_node(reader)->set_input(0, map->input);
    std::vector<LinearChange> changes;
    changes.push_back(std::move(*change));
    apply_changes(graph, std::move(changes));
    remove_nodes(graph, {i});
    return true;
  }
  return false;
}

// Add (Mul (x, a), b) -> Mul (Add (x, b / a), a) in front of a linear node that pads: the factor comes next to it. Only where that takes
// it.
bool exchange_one(onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto shift = one_value(graph.node(i), index);
    const int reader = shift && shift->shift != 0 ? only_reader(graph.node(i).output(0), index) : -1;
    const auto linear = reader >= 0 ? linear_node(graph.node(reader), index) : std::nullopt;
    const int factor = linear ? index.producer_number(shift->input) : -1;
    const auto scale = factor >= 0 && index.uses(shift->input).size() == 1 && !index.is_graph_output(shift->input)
                           ? one_value(graph.node(factor), index)
                           : std::nullopt;
    if (!scale || scale->scale == 1 || !std::isfinite(shift->shift / scale->scale)) continue;
    NameMaker names(graph);
    const auto channels = static_cast<std::size_t>(linear->inputs);
    if (!absorb_before(reader, {std::vector<double>(channels, scale->scale), std::vector<double>(channels)}, index, names)) continue;
    const auto constant = [&](double value) {
      std::string name = names.unique(graph.node(i).output(0) + "_value");
      put_initializer(graph, make_tensor(name, {}, std::vector<float>{static_cast<float>(value)}));
      return name;
    };
    const std::string sum = graph.node(factor).output(0), product = graph.node(i).output(0);
    const auto put = [&](int number, const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
      const std::string name = graph.node(number).name();
      *graph.mutable_node(number) = make_node(type, inputs, {&output, 1});
      graph.mutable_node(number)->set_name(name);
    };
    put(factor, "Add", {scale->input, constant(shift->shift / scale->scale)}, sum);
    put(i, "Mul", {sum, constant(scale->scale)}, product);
    return true;
  }
  return false;
}

}  // namespace

std::string fold_factors_ahead(Model& model) {
  std::size_t absorbed = 0;
  while (absorb_one(model.graph()) || (exchange_one(model.graph()) && absorb_one(model.graph()))) ++absorbed;
  if (absorbed > 0) remove_unused(model.graph());
  return counted(absorbed, "map", "maps");
}

}  // namespace quantize
