#include "model/edit.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "model/graph.h"

namespace quantize {
namespace {

void collect_names(const onnx::GraphProto& graph, std::set<std::string>& names) {
  for (const auto& value : graph.input()) names.insert(value.name());
  for (const auto& value : graph.output()) names.insert(value.name());
  for (const auto& value : graph.value_info()) names.insert(value.name());
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  for (const auto& node : graph.node()) {
    names.insert(node.name());
    names.insert(node.input().begin(), node.input().end());
    names.insert(node.output().begin(), node.output().end());
    for (const auto* body : bodies(node)) collect_names(*body, names);
  }
}

bool defines(const onnx::GraphProto& graph, const std::string& name) {
  for (const auto& value : graph.input()) {
    if (value.name() == name) return true;
  }
  for (const auto& tensor : graph.initializer()) {
    if (tensor.name() == name) return true;
  }
  for (const auto& node : graph.node()) {
    for (const auto& output : node.output()) {
      if (output == name) return true;
    }
  }
  return false;
}

// The numbers of the nodes in such an order, the least first among those that could come next; empty where there is none.
std::vector<int> order_of_need(const onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  std::vector<int> missing(graph.node_size()), order;
  std::set<int> ready;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const auto& output : graph.node(i).output()) {
      for (const auto& use : index.uses(output)) ++missing[use.node];
    }
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    if (missing[i] == 0) ready.insert(i);
  }
  while (!ready.empty()) {
    order.push_back(ready.extract(ready.begin()).value());
    for (const auto& output : graph.node(order.back()).output()) {
      for (const auto& use : index.uses(output)) {
        if (--missing[use.node] == 0) ready.insert(use.node);
      }
    }
  }
  if (static_cast<int>(order.size()) != graph.node_size()) order.clear();
  return order;
}

template <typename Field, typename Keep>
bool keep_only(Field& field, Keep keep) {
  int kept = 0;
  for (int i = 0; i < field.size(); ++i) {
    if (!keep(field.Get(i))) continue;
    if (kept != i) field.SwapElements(kept, i);
    ++kept;
  }
  const bool changed = kept != field.size();
  field.DeleteSubrange(kept, field.size() - kept);
  return changed;
}

}  // namespace

NameMaker::NameMaker(const onnx::GraphProto& graph) { collect_names(graph, used_); }

std::string NameMaker::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !used_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

void replace_uses(onnx::GraphProto& graph, const std::string& from, const std::string& to) {
  for (auto& node : *graph.mutable_node()) {
    for (auto& input : *node.mutable_input()) {
      if (input == from) input = to;
    }
    for (auto* body : mutable_bodies(node)) {
      if (defines(*body, from)) continue;
      replace_uses(*body, from, to);
      for (auto& output : *body->mutable_output()) {
        if (output.name() == from) output.set_name(to);
      }
    }
  }
}

void remove_nodes(onnx::GraphProto& graph, const std::set<int>& numbers) {
  int number = 0;
  keep_only(*graph.mutable_node(), [&](const auto&) { return !numbers.contains(number++); });
}

void sort_nodes(onnx::GraphProto& graph) {
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) sort_nodes(*body);
  }
  const auto order = order_of_need(graph);
  if (std::ranges::is_sorted(order)) return;
  std::vector<onnx::NodeProto> nodes;
  for (const int number : order) nodes.push_back(std::move(*graph.mutable_node(number)));
  set_nodes(graph, std::move(nodes));
}

void set_nodes(onnx::GraphProto& graph, std::vector<onnx::NodeProto> nodes) {
  graph.clear_node();
  for (auto& node : nodes) *graph.add_node() = std::move(node);
}

void insert_nodes(onnx::GraphProto& graph, const std::map<int, std::vector<onnx::NodeProto>>& before) {
  std::vector<onnx::NodeProto> nodes;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (const auto found = before.find(i); found != before.end()) nodes.insert(nodes.end(), found->second.begin(), found->second.end());
    nodes.push_back(std::move(*graph.mutable_node(i)));
  }
  set_nodes(graph, std::move(nodes));
}

bool remove_unused(onnx::GraphProto& graph) {
  bool changed = false;
  std::set<std::string> needed;
  for (const auto& output : graph.output()) needed.insert(output.name());
  std::set<int> dead;
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    auto& node = *graph.mutable_node(i);
    const bool alive =
        std::any_of(node.output().begin(), node.output().end(), [&](const auto& name) { return !name.empty() && needed.contains(name); });
    if (!alive) {
      dead.insert(i);
      continue;
    }
    for (auto* body : mutable_bodies(node)) changed |= remove_unused(*body);
    needed.merge(tensors_read_by(node));
  }
  remove_nodes(graph, dead);
  for (const auto& node : graph.node()) needed.insert(node.output().begin(), node.output().end());
  const auto used = [&](const auto& named) { return needed.contains(named.name()); };
  changed |= !dead.empty();
  changed |= keep_only(*graph.mutable_initializer(), used);
  changed |= keep_only(*graph.mutable_value_info(), used);
  return changed;
}

onnx::TensorProto* find_initializer(onnx::GraphProto& graph, const std::string& name) {
  for (auto& tensor : *graph.mutable_initializer()) {
    if (tensor.name() == name) return &tensor;
  }
  return nullptr;
}

const onnx::TensorProto* find_initializer(const onnx::GraphProto& graph, const std::string& name) {
  const auto found = std::ranges::find(graph.initializer(), name, &onnx::TensorProto::name);
  return found != graph.initializer().end() ? &*found : nullptr;
}

void put_initializer(onnx::GraphProto& graph, onnx::TensorProto tensor) {
  keep_only(*graph.mutable_value_info(), [&](const auto& value) { return value.name() != tensor.name(); });
  if (auto* existing = find_initializer(graph, tensor.name())) {
    *existing = std::move(tensor);
  } else {
    *graph.add_initializer() = std::move(tensor);
  }
}

void drop_claims_about_initializers(onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const auto& tensor : graph.initializer()) names.insert(tensor.name());
  keep_only(*graph.mutable_value_info(), [&](const auto& value) { return !names.contains(value.name()); });
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) drop_claims_about_initializers(*body);
  }
}

void import_domain(onnx::ModelProto& model, const std::string& domain, std::int64_t version) {
  auto& import = *model.add_opset_import();
  import.set_domain(domain);
  import.set_version(version);
}

onnx::NodeProto make_node(const std::string& op_type, std::span<const std::string> inputs, std::span<const std::string> outputs) {
  onnx::NodeProto node;
  node.set_op_type(op_type);
  for (const auto& name : inputs) node.add_input(name);
  for (const auto& name : outputs) node.add_output(name);
  return node;
}

Extractor::Extractor(const onnx::ModelProto& model) : model_(model) {
  const auto& graph = model.graph();
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const auto& output : graph.node(i).output()) makers_[output] = i;
  }
  for (int i = 0; i < graph.initializer_size(); ++i) initializers_[graph.initializer(i).name()] = i;
  for (const auto* values : {&graph.input(), &graph.output(), &graph.value_info()}) {
    for (const auto& value : *values) types_[value.name()] = value.type().tensor_type().elem_type();
  }
}

onnx::ModelProto Extractor::part(std::span<const std::string> inputs, std::span<const std::string> outputs) const {
  const auto& graph = model_.graph();
  const std::set<std::string> given(inputs.begin(), inputs.end());
  std::set<int> wanted, initializers;
  std::set<std::string> seen;
  std::vector<std::string> open(outputs.begin(), outputs.end());
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    if (name.empty() || given.contains(name) || !seen.insert(name).second) continue;
    if (const auto found = initializers_.find(name); found != initializers_.end()) {
      initializers.insert(found->second);
      continue;
    }
    const auto maker = makers_.find(name);
    if (maker == makers_.end()) throw Error(ErrorKind::internal, "tensor '" + name + "' is needed but not given");
    if (!wanted.insert(maker->second).second) continue;
    const auto read = tensors_read_by(graph.node(maker->second));
    open.insert(open.end(), read.begin(), read.end());
  }

  onnx::ModelProto part;
  part.set_ir_version(model_.ir_version());
  *part.mutable_opset_import() = model_.opset_import();
  *part.mutable_functions() = model_.functions();
  part.mutable_graph()->set_name("part");
  std::optional<NameMaker> names;  // looks through the whole graph, for what is rare
  for (const int number : wanted) {
    auto& node = *part.mutable_graph()->add_node() = graph.node(number);
    for (auto& output : *node.mutable_output()) {
      if (!given.contains(output)) continue;
      if (!names) names.emplace(graph);
      output = names->unique(output + "_again");  // made beside what is wanted; its readers read what is given
    }
  }
  for (const int number : initializers) *part.mutable_graph()->add_initializer() = graph.initializer(number);
  for (const auto& name : inputs) {
    auto& value = *part.mutable_graph()->add_input();
    value.set_name(name);
    const auto type = types_.find(name);
    const bool known = type != types_.end() && type->second != 0;
    value.mutable_type()->mutable_tensor_type()->set_elem_type(known ? type->second : static_cast<int>(onnx::TensorProto::FLOAT));
  }
  for (const auto& name : outputs) part.mutable_graph()->add_output()->set_name(name);
  return part;
}

onnx::ModelProto extract(const onnx::ModelProto& model, std::span<const std::string> inputs, std::span<const std::string> outputs) {
  return Extractor(model).part(inputs, outputs);
}

}  // namespace quantize
