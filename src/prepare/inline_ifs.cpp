#include "prepare/inline_ifs.h"

// An If whose condition is a constant is the branch it takes: what exporters leave where the traced program asked for a shape or a flag.
//
//   BEFORE  y = If (yes) < then_branch = { t = Neg (x);  p = Relu (t) }, else_branch = { ... } >
//   AFTER   t_1 = Neg (x);  y = Relu (t_1)
//
// Names made in the branch are made unique, since two branches may use the same ones. Its nodes keep theirs, by which people exclude nodes,
// where no node of the graph has the same: ONNX Runtime refuses two of one name, though only within one graph.
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

// Null where the node is no If or the condition is not known.
const onnx::GraphProto* taken_branch(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "If" || !standard_domain(node)) return nullptr;
  const auto* condition = index.constant(node.input(0));
  if (condition == nullptr) return nullptr;
  const auto values = int_values(*condition);
  if (values.size() != 1) return nullptr;
  const auto* branch = find_attribute(node, values.front() != 0 ? "then_branch" : "else_branch");
  return branch != nullptr && branch->has_g() && branch->g().output_size() == node.output_size() ? &branch->g() : nullptr;
}

// `from` is read and made under the name `to`, in the branch and in subgraphs inside it.
void rename(onnx::GraphProto& branch, const std::string& from, const std::string& to) {
  replace_uses(branch, from, to);
  for (auto& node : *branch.mutable_node()) {
    for (auto& output : *node.mutable_output()) {
      if (output == from) output = to;
    }
  }
  for (auto& tensor : *branch.mutable_initializer()) {
    if (tensor.name() == from) tensor.set_name(to);
  }
  for (auto& output : *branch.mutable_output()) {
    if (output.name() == from) output.set_name(to);
  }
}

void make_tensors_unique(onnx::GraphProto& branch, NameMaker& names) {
  std::vector<std::string> made;
  for (const auto& tensor : branch.initializer()) made.push_back(tensor.name());
  for (const auto& node : branch.node()) {
    for (const auto& output : node.output()) {
      if (!output.empty()) made.push_back(output);
    }
  }
  for (const auto& name : made) rename(branch, name, names.unique(name));
}

using NodeNames = std::set<std::string>;

void make_nodes_unique(onnx::GraphProto& branch, NameMaker& names, NodeNames& taken) {
  for (auto& node : *branch.mutable_node()) {
    if (!node.name().empty() && !taken.insert(node.name()).second) node.set_name(names.unique(node.name()));
  }
}

// The branch's nodes; Identity nodes, which drop-identities takes out again, give its results the names of the If's.
void emit(onnx::GraphProto branch, const onnx::NodeProto& node, NameMaker& names, NodeNames& taken, std::vector<onnx::NodeProto>& nodes,
          onnx::GraphProto& constants) {
  make_tensors_unique(branch, names);
  make_nodes_unique(branch, names, taken);
  for (auto& inner : *branch.mutable_node()) nodes.push_back(std::move(inner));
  for (auto& tensor : *branch.mutable_initializer()) *constants.add_initializer() = std::move(tensor);
  for (int i = 0; i < node.output_size(); ++i) {
    if (!node.output(i).empty()) nodes.push_back(make_node("Identity", std::vector{branch.output(i).name()}, std::vector{node.output(i)}));
  }
}

std::size_t inline_once(onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  NameMaker names(graph);
  NodeNames taken;
  for (const auto& node : graph.node()) taken.insert(node.name());
  std::vector<onnx::NodeProto> nodes;
  onnx::GraphProto constants;
  std::size_t inlined = 0;
  for (const auto& node : graph.node()) {
    if (const auto* branch = taken_branch(node, index)) {
      emit(*branch, node, names, taken, nodes, constants);
      ++inlined;
    } else {
      nodes.push_back(node);
    }
  }
  if (inlined == 0) return 0;
  set_nodes(graph, std::move(nodes));
  for (auto& tensor : *constants.mutable_initializer()) *graph.add_initializer() = std::move(tensor);
  return inlined;
}

}  // namespace

std::size_t inline_ifs(Model& model) {
  std::size_t inlined = 0;
  while (const std::size_t more = inline_once(model.graph())) inlined += more;  // an If inside the branch may be one more
  if (inlined > 0) {
    unpack_constants(model);
    remove_unused(model.graph());
  }
  return inlined;
}

}  // namespace quantize
