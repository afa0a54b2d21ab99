#include "rewrite/slim.h"

#include <algorithm>
#include <set>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/model.h"
#include "model/payload.h"
#include "model/tensor.h"

namespace quantize {
namespace {

constexpr std::size_t short_enough = 4;
constexpr std::size_t worth_a_fiftieth = 50;
constexpr std::size_t worth_computed_scales = 32;  // a part of the model: other programs expect to find stored scales

// Bytes that the names of tensors take.
std::size_t weight_of_names(const onnx::GraphProto& graph) {
  std::size_t bytes = 0;
  for (const auto& node : graph.node()) {
    for (const auto& name : node.input()) bytes += name.size();
    for (const auto& name : node.output()) bytes += name.size();
  }
  for (const auto& tensor : graph.initializer()) bytes += tensor.name().size();
  return bytes;
}

std::set<std::string> names_to_keep(const onnx::GraphProto& graph) {
  std::set<std::string> names = {""};
  for (const auto& value : graph.input()) names.insert(value.name());
  for (const auto& value : graph.output()) names.insert(value.name());
  for (const auto& node : graph.node()) names.merge(captured_tensors(node));
  return names;
}

void drop_where_all_are(onnx::NodeProto& node, std::string_view attribute, std::int64_t value) {
  const auto values = ints_attribute(node, attribute);
  if (!values.empty() && std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == value; }))
    remove_attribute(node, attribute);
}

void drop_default_attributes(onnx::NodeProto& node) {
  if (node.op_type() != "Conv") return;
  drop_where_all_are(node, "dilations", 1);
  drop_where_all_are(node, "strides", 1);
  drop_where_all_are(node, "pads", 0);
  if (find_attribute(node, "group") != nullptr && int_attribute(node, "group", 1) == 1) remove_attribute(node, "group");
}

// Readers of the second of two initializers that differ in name only read the first; remove_unused() takes the second away.
void share_equal_initializers(onnx::GraphProto& graph, const std::set<std::string>& kept) {
  std::map<std::string, std::string> first;  // bytes without name -> name
  std::map<std::string, std::string> same;
  for (onnx::TensorProto tensor : graph.initializer()) {
    const std::string name = tensor.name();
    tensor.clear_name();
    const auto [place, fresh] = first.try_emplace(serialize(tensor), name);
    if (!fresh && !kept.contains(name)) same[name] = place->second;
  }
  for (auto& node : *graph.mutable_node()) {
    for (auto& input : *node.mutable_input()) {
      if (const auto found = same.find(input); found != same.end()) input = found->second;
    }
  }
  remove_unused(graph);
}

// The scales of an int32 bias are those of the input times those of the weight, value by value: a Mul of both, which the runtime computes
// once when it loads the model, takes less room than the products.
//
// BEFORE  bias, products -> DequantizeLinear -> b'        AFTER  input scale, weight scales -> Mul -> products;  bias, products -> ...
class BiasScales {
 public:
  explicit BiasScales(onnx::GraphProto& graph) : graph_(graph), index_(graph), names_(graph) {}

  // Where at least `least` bytes go.
  void derive(std::size_t least) {
    std::map<int, std::vector<onnx::NodeProto>> before;  // what goes in front of which node
    std::map<std::string, std::size_t> saved;            // by the scale that goes
    for (const auto& node : graph_.node()) {
      if (node.input_size() < 3) continue;
      const auto *input = scale_of(node.input(0)), *weight = scale_of(node.input(1)), *bias = scale_of(node.input(2));
      if (input == nullptr || weight == nullptr || bias == nullptr || !are_products(*input, *weight, *bias)) continue;
      const std::string factors[] = {input->name(), weight->name()};
      const std::string product = names_.unique("s");
      before[index_.producer_number(node.input(2))] = {make_node("Mul", factors, {&product, 1})};
      saved[bias->name()] = static_cast<std::size_t>(element_count(shape_of(*bias))) * sizeof(float);
    }
    std::size_t bytes = 0;
    for (const auto& [scale, count] : saved) bytes += count;
    if (before.empty() || bytes < least) return;
    for (const auto& [number, product] : before) graph_.mutable_node(number)->set_input(1, product[0].output(0));
    insert_nodes(graph_, before);
    remove_unused(graph_);
  }

 private:
  static constexpr std::size_t worth_a_node = 16;  // values, of four bytes each

  // Of the DequantizeLinear that makes `tensor`.
  [[nodiscard]] const onnx::TensorProto* scale_of(const std::string& tensor) const {
    const auto* node = index_.producer(tensor);
    return node != nullptr && node->op_type() == "DequantizeLinear" ? index_.initializer(node->input(1)) : nullptr;
  }

  static bool are_products(const onnx::TensorProto& input, const onnx::TensorProto& weight, const onnx::TensorProto& bias) {
    if (!shape_of(input).empty() || shape_of(weight) != shape_of(bias) || shape_of(bias).size() != 1) return false;
    const auto factors = float_values(weight), products = float_values(bias);
    const float factor = float_values(input)[0];
    if (products.size() < worth_a_node) return false;
    for (std::size_t i = 0; i < products.size(); ++i) {
      if (products[i] != factor * factors[i]) return false;
    }
    return true;
  }

  onnx::GraphProto& graph_;
  GraphIndex index_;
  NameMaker names_;
};

}  // namespace

std::map<std::string, std::string> slim(onnx::ModelProto& model, bool computes_constants) {
  auto& graph = *model.mutable_graph();
  std::map<std::string, std::string> renamed;
  const std::size_t bytes = stored_bytes(model);
  if (computes_constants) BiasScales(graph).derive(bytes / worth_computed_scales);
  if (weight_of_names(graph) * worth_a_fiftieth <= bytes) return renamed;
  const auto kept = names_to_keep(graph);
  share_equal_initializers(graph, kept);
  NameMaker names(graph);
  int number = 0;
  const auto shorten = [&](std::string& name) {
    if (name.size() <= short_enough || kept.contains(name)) return;
    auto& replacement = renamed[name];
    while (replacement.empty()) {
      const std::string wanted = "t" + std::to_string(++number);
      if (names.unique(wanted) == wanted) replacement = wanted;
    }
    name = replacement;
  };
  for (auto& tensor : *graph.mutable_initializer()) shorten(*tensor.mutable_name());
  for (auto& node : *graph.mutable_node()) {
    drop_default_attributes(node);
    for (auto& name : *node.mutable_input()) shorten(name);
    for (auto& name : *node.mutable_output()) shorten(name);
  }
  graph.clear_value_info();  // speaks of tensors by their old names
  return renamed;
}

}  // namespace quantize
