// The only functions that change a graph. Each keeps the names, types and number of the model's inputs and outputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace quantize {

// Hands out names that nothing in the graph (nodes, tensors, subgraphs) uses.
class NameMaker {
 public:
  explicit NameMaker(const onnx::GraphProto& graph);
  // `wanted` itself if free, else wanted_1, wanted_2, ...; the name counts as used from then on.
  std::string unique(const std::string& wanted);

 private:
  std::set<std::string> used_;
};

// Every reader of `from`, in subgraphs too, reads `to` instead. Graph outputs are not renamed.
void replace_uses(onnx::GraphProto& graph, const std::string& from, const std::string& to);

// Removes the nodes with these numbers.
void remove_nodes(onnx::GraphProto& graph, const std::set<int>& numbers);

// Brings nodes into an order in which each follows those whose values it needs, in subgraphs too; nodes that are in order stay where they
// are. Converters append nodes at the end (onnxconverter-common's float16 its Casts), which ONNX Runtime takes and ONNX's checker does not.
// A graph with a cycle has no such order and is left as it is.
void sort_nodes(onnx::GraphProto& graph);

// Replaces the node list, keeping everything else.
void set_nodes(onnx::GraphProto& graph, std::vector<onnx::NodeProto> nodes);

// Puts nodes in front of those with these numbers.
void insert_nodes(onnx::GraphProto& graph, const std::map<int, std::vector<onnx::NodeProto>>& before);

// Removes nodes none of whose outputs is read, then initializers and value_info entries that nothing refers to, in bodies too. Returns
// whether anything was removed.
bool remove_unused(onnx::GraphProto& graph);

onnx::TensorProto* find_initializer(onnx::GraphProto& graph, const std::string& name);
const onnx::TensorProto* find_initializer(const onnx::GraphProto& graph, const std::string& name);
// Adds the initializer, or replaces the one of the same name, and drops what the graph claims about it.
void put_initializer(onnx::GraphProto& graph, onnx::TensorProto tensor);

// Takes out the value_info entries about initializers, in bodies too: a tensor says itself what it is, and a claim that a change of the
// tensor made wrong ends ONNX's shape inference.
void drop_claims_about_initializers(onnx::GraphProto& graph);

// For operators and functions of a domain that the model does not know yet.
void import_domain(onnx::ModelProto& model, const std::string& domain, std::int64_t version = 1);

onnx::NodeProto make_node(const std::string& op_type, std::span<const std::string> inputs, std::span<const std::string> outputs);

// Cuts parts out of a model that is looked through once, for those who need many. The model is kept by reference: values of its
// initializers may change in between, as by put_initializer(); its nodes may not, nor which tensors there are.
class Extractor {
 public:
  explicit Extractor(const onnx::ModelProto& model);

  // The part between `inputs` and `outputs` as a model of its own, with the initializers it needs. Nodes keep their order.
  // Inputs are declared with their element type where the graph knows it (else float) and without a shape, outputs without type.
  // Throws Error{internal} when `outputs` need something that is neither among `inputs` nor made from them and initializers.
  [[nodiscard]] onnx::ModelProto part(std::span<const std::string> inputs, std::span<const std::string> outputs) const;

 private:
  const onnx::ModelProto& model_;
  std::unordered_map<std::string, int> makers_, initializers_;  // their numbers in the graph
  std::unordered_map<std::string, int> types_;
};

// Of one part alone.
onnx::ModelProto extract(const onnx::ModelProto& model, std::span<const std::string> inputs, std::span<const std::string> outputs);

}  // namespace quantize
