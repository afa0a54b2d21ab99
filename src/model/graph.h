// Questions about a graph, answered from an index made once. The index holds pointers into the graph and is stale after any edit: make a
// new one.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace quantize {

// "Conv 'stem/conv1'", or "Conv (output 'x12')" for a node without a name: how messages speak of a node.
std::string describe(const onnx::NodeProto& node);

// Whether it is an operator of ONNX itself: elsewhere its name says nothing.
bool standard_domain(const onnx::NodeProto& node);

// One use of a tensor: input number `input` of node number `node`; input is -1 where a subgraph of that node (If, Loop, Scan) reads it from
// outside.
struct Use {
  int node;
  int input;
};

class GraphIndex {
 public:
  explicit GraphIndex(const onnx::GraphProto& graph);

  [[nodiscard]] const onnx::GraphProto& graph() const { return *graph_; }
  [[nodiscard]] const onnx::NodeProto& node(int number) const { return graph_->node(number); }
  // The number of the node that makes `tensor`, or -1 (graph input, initializer, unknown).
  [[nodiscard]] int producer_number(const std::string& tensor) const;
  [[nodiscard]] const onnx::NodeProto* producer(const std::string& tensor) const;
  [[nodiscard]] const std::vector<Use>& uses(const std::string& tensor) const;
  // The one use of a tensor that nobody else sees; nothing where there are several, or it is an output of the graph.
  [[nodiscard]] std::optional<Use> only_use(const std::string& tensor) const;
  // The node that has such a tensor as its first input, or -1.
  [[nodiscard]] int only_reader(const std::string& tensor) const;
  // Null where `tensor` is not an initializer.
  [[nodiscard]] const onnx::TensorProto* initializer(const std::string& tensor) const;
  // Initializers, and outputs of Constant nodes that hold a tensor.
  [[nodiscard]] const onnx::TensorProto* constant(const std::string& tensor) const;
  // The value of a float constant that holds one and, with one dimension at most, widens nothing.
  [[nodiscard]] std::optional<double> scalar(const std::string& tensor) const;
  [[nodiscard]] bool is_graph_input(const std::string& tensor) const { return inputs_.contains(tensor); }  // initializers excluded
  [[nodiscard]] bool is_graph_output(const std::string& tensor) const { return outputs_.contains(tensor); }

 private:
  const onnx::GraphProto* graph_;
  std::unordered_map<std::string, int> producers_;
  std::unordered_map<std::string, std::vector<Use>> uses_;
  std::unordered_map<std::string, const onnx::TensorProto*> initializers_;
  std::set<std::string> inputs_, outputs_;
};

// The graphs inside a node: the branches of an If, the body of a Loop or Scan.
std::vector<const onnx::GraphProto*> bodies(const onnx::NodeProto& node);
std::vector<onnx::GraphProto*> mutable_bodies(onnx::NodeProto& node);

// Tensors that a subgraph of `node` reads from the graph around it.
std::set<std::string> captured_tensors(const onnx::NodeProto& node);

// All that `node` reads: its inputs, and what its subgraphs capture.
std::set<std::string> tensors_read_by(const onnx::NodeProto& node);

// The inputs a caller has to feed: graph inputs that are not initializers.
std::vector<const onnx::ValueInfoProto*> fed_inputs(const onnx::GraphProto& graph);

}  // namespace quantize
