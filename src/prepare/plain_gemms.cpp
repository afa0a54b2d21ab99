// Gemm with a constant weight in its plain form y = x W + b, the one that integer kernels know: its factors go into the constants, and a
// transposed input is transposed by a node of its own.
//
//   BEFORE  y = Gemm <transA = 1, alpha = 0.5, beta = 2.0> (x, W, b)
//   AFTER   t = Transpose (x);  y = Gemm (t, 0.5 W, 2 b)
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/channel_affine.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

class GemmWriter {
 public:
  explicit GemmWriter(onnx::GraphProto& graph) : graph_(graph), index_(graph), names_(graph) {}

  // Returns how many Gemms were not in the plain form.
  std::size_t run() {
    std::size_t changed = 0;
    for (auto node : graph_.node()) {
      const bool candidate = node.op_type() == "Gemm" && standard_domain(node) && index_.initializer(node.input(1)) != nullptr;
      changed += static_cast<std::size_t>(candidate && make_plain(node));
      nodes_.push_back(std::move(node));
    }
    if (changed == 0) return 0;
    set_nodes(graph_, std::move(nodes_));
    for (auto& tensor : scaled_) put_initializer(graph_, std::move(tensor));
    return changed;
  }

 private:
  bool make_plain(onnx::NodeProto& node) {
    const bool weight = absorb(node, "alpha", 1), bias = absorb(node, "beta", 2), transposed = transpose_input(node);
    return weight || bias || transposed;
  }

  // False where there is no factor, or the input it belongs to is computed.
  bool absorb(onnx::NodeProto& node, const std::string& factor_name, int input) {
    const auto factor = static_cast<double>(float_attribute(node, factor_name, 1));
    if (factor == 1) return false;
    if (node.input_size() > input && !node.input(input).empty()) {
      const auto* tensor = index_.initializer(node.input(input));
      if (tensor == nullptr) return false;
      auto values = double_values(*tensor);
      for (auto& value : values) value *= factor;
      const bool shared = index_.uses(tensor->name()).size() > 1 || index_.is_graph_output(tensor->name());
      auto scaled = store(shared ? names_.unique(tensor->name() + "_scaled") : tensor->name(), shape_of(*tensor),
                          static_cast<ElementType>(tensor->data_type()), values);
      if (!scaled) return false;
      node.set_input(input, scaled->name());
      scaled_.push_back(std::move(*scaled));
    }
    remove_attribute(node, factor_name);
    return true;
  }

  bool transpose_input(onnx::NodeProto& node) {
    if (int_attribute(node, "transA", 0) == 0) return false;
    const std::string transposed = names_.unique(node.input(0) + "_transposed");
    auto transpose = make_node("Transpose", std::vector{node.input(0)}, std::vector{transposed});
    auto& order = *transpose.add_attribute();
    order.set_name("perm");
    order.set_type(onnx::AttributeProto::INTS);
    for (const int axis : {1, 0}) order.add_ints(axis);
    nodes_.push_back(std::move(transpose));
    node.set_input(0, transposed);
    remove_attribute(node, "transA");
    return true;
  }

  onnx::GraphProto& graph_;
  const GraphIndex index_;
  NameMaker names_;
  std::vector<onnx::NodeProto> nodes_;
  std::vector<onnx::TensorProto> scaled_;
};

}  // namespace

std::string plain_gemms(Model& model) { return counted(GemmWriter(model.graph()).run(), "Gemm", "Gemms"); }

}  // namespace quantize
