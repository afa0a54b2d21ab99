// Nodes that hand on their input unchanged, and nodes that nobody reads.
//
//   BEFORE  b = Identity (a);  y = Conv (b, w)        AFTER  y = Conv (a, w)
//   BEFORE  b = Conv (a, w);   y = Identity (b)       AFTER  y = Conv (a, w)       y is an output of the model and keeps its name
//   KEPT    y = Identity (image)                      both names belong to the model's interface
#include <algorithm>
#include <set>
#include <unordered_map>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

bool all_zero(const std::vector<std::int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](std::int64_t value) { return value == 0; });
}

bool only_first_output_read(const onnx::NodeProto& node, const GraphIndex& index) {
  return std::all_of(node.output().begin() + 1, node.output().end(),
                     [&](const auto& name) { return name.empty() || (index.uses(name).empty() && !index.is_graph_output(name)); });
}

// Dropout does something in training only, which from opset 12 on is an input.
bool is_idle_dropout(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!only_first_output_read(node, index)) return false;
  if (node.input_size() < 3 || node.input(2).empty()) return true;
  const auto* training = index.constant(node.input(2));
  return training != nullptr && all_zero(int_values(*training));
}

// Reshape and Flatten keep the number of values, and that decides one dimension that is not known. Expand does not.
bool keeps_shape(const onnx::NodeProto& node, const ValueTypes& types) {
  const auto &before = types.of(node.input(0)).shape, &after = types.of(node.output(0)).shape;
  if (!before || !after || *before != *after) return false;
  const auto unknown = std::ranges::count_if(*before, [](std::int64_t dimension) { return dimension < 0; });
  const bool is_empty = std::ranges::find(*before, 0) != before->end();  // then the number says nothing
  return unknown == 0 || (unknown == 1 && !is_empty && node.op_type() != "Expand");
}

bool keeps_order(const onnx::NodeProto& node) {
  const auto order = ints_attribute(node, "perm");
  return !order.empty() && std::is_sorted(order.begin(), order.end());
}

bool pads_nothing(const onnx::NodeProto& node, const GraphIndex& index) {
  if (find_attribute(node, "pads") != nullptr) return all_zero(ints_attribute(node, "pads"));
  const auto* pads = node.input_size() > 1 ? index.constant(node.input(1)) : nullptr;
  return pads != nullptr && all_zero(int_values(*pads));
}

bool does_nothing(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types) {
  if (!standard_domain(node) || node.input_size() == 0 || node.output_size() == 0) return false;
  const std::string& op = node.op_type();
  if (op == "Identity") return true;
  if (op == "Dropout") return is_idle_dropout(node, index);
  if (op == "Cast") return types.of(node.input(0)).type == int_attribute(node, "to", 0);
  if (op == "Reshape" || op == "Flatten" || op == "Expand") return keeps_shape(node, types);
  if (op == "Transpose") return keeps_order(node);
  if (op == "Pad") return pads_nothing(node, index);
  const bool of_many = op == "Concat" || op == "Sum" || op == "Max" || op == "Min" || op == "Mean";
  return of_many && node.input_size() == 1;
}

// What each reader shall read instead, and what each producer shall write instead.
struct Renaming {
  std::unordered_map<std::string, std::string> read, write;

  // Follows chains of dropped nodes.
  [[nodiscard]] const std::string& source(const std::string& tensor) const {
    const std::string* name = &tensor;
    for (auto next = read.find(*name); next != read.end(); next = read.find(*name)) name = &next->second;
    return *name;
  }
};

// An output of the model can take over its source's place where that is an inner tensor made by a node and not yet given another name.
bool can_rename_producer(const std::string& source, const GraphIndex& index, const Renaming& renaming) {
  return index.producer_number(source) >= 0 && !index.is_graph_output(source) && !renaming.write.contains(source);
}

std::set<int> find(const onnx::GraphProto& graph, const ValueTypes& types, Renaming& renaming) {
  const GraphIndex index(graph);
  std::set<int> dropped;
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    if (!does_nothing(node, index, types)) continue;
    const std::string source = renaming.source(node.input(0));
    const std::string& target = node.output(0);
    if (index.is_graph_output(target)) {
      if (!can_rename_producer(source, index, renaming)) continue;
      renaming.write[source] = target;
    } else {
      renaming.read[target] = source;
    }
    dropped.insert(i);
  }
  return dropped;
}

void apply(onnx::GraphProto& graph, const std::set<int>& dropped, const Renaming& renaming) {
  const auto final_name = [&](const std::string& tensor) -> const std::string& {
    const std::string& source = renaming.source(tensor);
    const auto written = renaming.write.find(source);
    return written != renaming.write.end() ? written->second : source;
  };
  std::set<std::string> captured;
  for (auto& node : *graph.mutable_node()) {
    captured.merge(captured_tensors(node));
    for (auto& name : *node.mutable_input()) name = std::string(final_name(name));
    for (auto& name : *node.mutable_output()) {
      const auto written = renaming.write.find(name);
      if (written != renaming.write.end()) name = written->second;
    }
  }
  remove_nodes(graph, dropped);
  for (const auto& name : captured) {
    const std::string& now = final_name(name);
    if (now != name) replace_uses(graph, name, now);
  }
}

}  // namespace

std::string drop_identities(Model& model) {
  auto& graph = model.graph();
  const int before = graph.node_size();
  Renaming renaming;
  const auto dropped = find(graph, ValueTypes(model.proto), renaming);
  if (!dropped.empty()) apply(graph, dropped, renaming);
  const bool removed = remove_unused(graph);
  const std::string nodes = counted(static_cast<std::size_t>(before - graph.node_size()), "node", "nodes");
  return nodes.empty() && removed ? "unused tensors" : nodes;
}

}  // namespace quantize
