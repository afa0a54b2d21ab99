// One factor or summand for all values, ahead of a Conv or Gemm that alone reads the result, goes into its weights: what nets with a
// learned affine map behind each activation function (PP-LCNet) compute on every value.
//
//   BEFORE  t = Mul (x, a);  u = Add (t, b);  y = Conv (u, W, c)
//   AFTER   y = Conv (x, a W, c + b sum W)                             where no zeros are padded
//   AFTER   u = Add (x, b / a);  y = Conv (u, a W, c)                  where they are: they would have to be shifted as well
#include <cmath>
#include <optional>
#include <set>

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
  const bool second = index.scalar(node.input(1)).has_value();
  const auto value = index.scalar(node.input(second ? 1 : 0));
  OneValue result{node.input(second ? 0 : 1)};
  if (!value || index.initializer(result.input) != nullptr || (!second && (type == "Div" || type == "Sub"))) return {};
  if (type == "Mul") result.scale = *value;
  if (type == "Div") result.scale = 1 / *value;
  if (type == "Add") result.shift = *value;
  if (type == "Sub") result.shift = -*value;
  const bool usable = std::isfinite(result.scale) && std::isfinite(result.shift) && result.scale != 0;
  return usable ? std::optional(result) : std::nullopt;
}

// One value for every input channel of the linear node `reader`, unless its weight had to be stored a second time.
std::optional<LinearChange> absorb_value(int reader, double scale, double shift, const GraphIndex& index, NameMaker& names) {
  const auto linear = reader >= 0 ? linear_node(index.node(reader), index) : std::nullopt;
  if (!linear || (scale != 1 && !may_differ(*linear->weight, index))) return {};
  const auto channels = static_cast<std::size_t>(linear->inputs);
  return absorb_before(reader, {std::vector<double>(channels, scale), std::vector<double>(channels, shift)}, index, names);
}

void apply(onnx::GraphProto& graph, LinearChange change) {
  std::vector<LinearChange> changes;
  changes.push_back(std::move(change));
  apply_changes(graph, std::move(changes));
}

// y = Conv (Add (Mul (x, a), b)), node `number` being the Add, where b cannot be absorbed: a alone is.
bool absorb_inner_factor(onnx::GraphProto& graph, int number, const OneValue& shift, const GraphIndex& index, NameMaker& names) {
  const int inner = index.only_use(shift.input) ? index.producer_number(shift.input) : -1;
  const auto factor = inner >= 0 ? one_value(graph.node(inner), index) : std::nullopt;
  if (!factor || factor->scale == 1 || !std::isfinite(shift.shift / factor->scale)) return false;
  auto change = absorb_value(index.only_reader(graph.node(number).output(0)), factor->scale, 0, index, names);
  if (!change) return false;
  auto& node = *graph.mutable_node(number);
  const std::string constant = names.unique(node.output(0) + "_value"), name = node.name(), output = node.output(0);
  const std::vector<float> value = {static_cast<float>(shift.shift / factor->scale)};
  node = make_node("Add", std::vector{factor->input, constant}, {&output, 1});
  node.set_name(name);
  apply(graph, std::move(*change));
  put_initializer(graph, make_tensor(constant, {}, value));
  remove_nodes(graph, {inner});
  return true;
}

// One map into its reader; false where there is none left.
bool absorb_one(onnx::GraphProto& graph, NameMaker& names) {
  const GraphIndex index(graph);
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto map = one_value(graph.node(i), index);
    const int reader = map ? index.only_reader(graph.node(i).output(0)) : -1;
    if (reader < 0) continue;
    if (auto change = absorb_value(reader, map->scale, map->shift, index, names)) {
      graph.mutable_node(reader)->set_input(0, map->input);
      apply(graph, std::move(*change));
      remove_nodes(graph, {i});
      return true;
    }
    if (map->shift != 0 && absorb_inner_factor(graph, i, *map, index, names)) return true;
  }
  return false;
}

}  // namespace

std::string fold_factors_ahead(Model& model) {
  std::size_t absorbed = 0;
  NameMaker names(model.graph());
  while (absorb_one(model.graph(), names)) ++absorbed;
  if (absorbed > 0) remove_unused(model.graph());
  return counted(absorbed, "map", "maps");
}

}  // namespace quantize
