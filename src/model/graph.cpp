#include "model/graph.h"

#include "model/tensor.h"

namespace quantize {
namespace {

void collect_captured(const onnx::GraphProto& graph, std::set<std::string>& captured) {
  std::set<std::string> local;
  for (const auto& input : graph.input()) local.insert(input.name());
  for (const auto& tensor : graph.initializer()) local.insert(tensor.name());
  for (const auto& node : graph.node()) {
    for (const auto& name : node.input()) {
      if (!name.empty() && !local.contains(name)) captured.insert(name);
    }
    for (const auto& name : captured_tensors(node)) {
      if (!local.contains(name)) captured.insert(name);
    }
    local.insert(node.output().begin(), node.output().end());
  }
  for (const auto& output : graph.output()) {
    if (!local.contains(output.name())) captured.insert(output.name());
  }
}

}  // namespace

std::string describe(const onnx::NodeProto& node) {
  if (!node.name().empty()) return node.op_type() + " '" + node.name() + "'";
  return node.op_type() + (node.output_size() > 0 ? " (output '" + node.output(0) + "')" : "");
}

bool standard_domain(const onnx::NodeProto& node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

std::vector<const onnx::GraphProto*> bodies(const onnx::NodeProto& node) {
  std::vector<const onnx::GraphProto*> found;
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) found.push_back(&attribute.g());
    for (const auto& body : attribute.graphs()) found.push_back(&body);
  }
  return found;
}

std::vector<onnx::GraphProto*> mutable_bodies(onnx::NodeProto& node) {
  std::vector<onnx::GraphProto*> found;
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) found.push_back(attribute.mutable_g());
    for (auto& body : *attribute.mutable_graphs()) found.push_back(&body);
  }
  return found;
}

std::set<std::string> captured_tensors(const onnx::NodeProto& node) {
  std::set<std::string> captured;
  for (const auto* body : bodies(node)) collect_captured(*body, captured);
  return captured;
}

std::set<std::string> tensors_read_by(const onnx::NodeProto& node) {
  auto names = captured_tensors(node);
  names.insert(node.input().begin(), node.input().end());
  return names;
}

std::vector<const onnx::ValueInfoProto*> fed_inputs(const onnx::GraphProto& graph) {
  std::set<std::string> initialized;
  for (const auto& tensor : graph.initializer()) initialized.insert(tensor.name());
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& input : graph.input()) {
    if (!initialized.contains(input.name())) inputs.push_back(&input);
  }
  return inputs;
}

GraphIndex::GraphIndex(const onnx::GraphProto& graph) : graph_(&graph) {
  for (const auto& tensor : graph.initializer()) initializers_[tensor.name()] = &tensor;
  for (const auto* input : fed_inputs(graph)) inputs_.insert(input->name());
  for (const auto& output : graph.output()) outputs_.insert(output.name());
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    for (int k = 0; k < node.input_size(); ++k) {
      if (!node.input(k).empty()) uses_[node.input(k)].push_back({i, k});
    }
    for (const auto& name : captured_tensors(node)) uses_[name].push_back({i, -1});
    for (const auto& output : node.output()) {
      if (!output.empty()) producers_[output] = i;
    }
  }
}

int GraphIndex::producer_number(const std::string& tensor) const {
  const auto found = producers_.find(tensor);
  return found != producers_.end() ? found->second : -1;
}

const onnx::NodeProto* GraphIndex::producer(const std::string& tensor) const {
  const int number = producer_number(tensor);
  return number >= 0 ? &graph_->node(number) : nullptr;
}

const std::vector<Use>& GraphIndex::uses(const std::string& tensor) const {
  static const std::vector<Use> none;
  const auto found = uses_.find(tensor);
  return found != uses_.end() ? found->second : none;
}

const onnx::TensorProto* GraphIndex::initializer(const std::string& tensor) const {
  const auto found = initializers_.find(tensor);
  return found != initializers_.end() ? found->second : nullptr;
}

const onnx::TensorProto* GraphIndex::constant(const std::string& tensor) const {
  if (const auto* found = initializer(tensor)) return found;
  const auto* node = producer(tensor);
  if (node == nullptr || node->op_type() != "Constant") return nullptr;
  for (const auto& attribute : node->attribute()) {
    if (attribute.name() == "value" && attribute.has_t()) return &attribute.t();
  }
  return nullptr;
}

std::optional<double> GraphIndex::scalar(const std::string& tensor) const {
  const auto* found = constant(tensor);
  if (found == nullptr || found->data_type() != onnx::TensorProto::FLOAT || found->dims_size() > 1) return {};
  const auto values = float_values(*found);
  return values.size() == 1 ? std::optional<double>(values[0]) : std::nullopt;
}

std::optional<Use> GraphIndex::only_use(const std::string& tensor) const {
  const auto& all = uses(tensor);
  return all.size() == 1 && !is_graph_output(tensor) ? std::optional(all[0]) : std::nullopt;
}

int GraphIndex::only_reader(const std::string& tensor) const {
  const auto use = only_use(tensor);
  return use && use->input == 0 ? use->node : -1;
}

}  // namespace quantize
