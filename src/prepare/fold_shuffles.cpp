// A channel shuffle only puts channels in another order, and so do weights: where every path behind it ends in the weights of a convolution
// that reads all channels, passing operators that treat each channel by itself, the order goes into the constants there.
//
//   BEFORE  y = Shuffle (x);  d = Conv <group = C> (y, W, b);  p = PRelu (d, s);  z = Conv (p, V)
//   AFTER   d = Conv <group = C> (x, W', b');  p = PRelu (d, s');  z = Conv (p, V')
//
// Inner tensors have their channels in the order of x then. Shuffles that reach a sum, a Concat, groups or an output stay.
#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "model/edit.h"
#include "model/tensor.h"
#include "ops/channel_shuffle.h"
#include "prepare/channel_walk.h"
#include "prepare/linear_node.h"
#include "prepare/passes.h"
#include "prepare/tied_weights.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

// A constant whose slices along `axis` change places.
struct Reordering {
  int node, input, axis;
};

class ShuffleFollower {
 public:
  ShuffleFollower(const GraphIndex& index, const ValueTypes& types, int channels) : index_(index), types_(types), channels_(channels) {}

  // False where some reader cannot do with another order.
  bool follow(const std::string& tensor) {
    if (index_.is_graph_output(tensor)) return false;
    const auto& type = types_.of(tensor);
    if (!type.shape || type.shape->size() < 3 || (*type.shape)[1] != channels_) return false;
    rank_ = std::ssize(*type.shape);
    return std::ranges::all_of(index_.uses(tensor), [&](const Use& use) { return follow_into(use); });
  }

  [[nodiscard]] const std::vector<Reordering>& found() const { return found_; }

 private:
  bool follow_into(const Use& use) {
    static const std::set<std::string> each_by_itself = {
        "Relu",     "LeakyRelu", "Clip", "HardSwish",   "HardSigmoid", "Sigmoid",           "Tanh",          "Elu",
        "Softplus", "Identity",  "Cast", "AveragePool", "MaxPool",     "GlobalAveragePool", "GlobalMaxPool", "Resize"};
    const auto& node = index_.node(use.node);
    if (use.input < 0 || !standard_domain(node)) return false;
    if (reads_shape_only(node)) return true;
    if (const auto linear = linear_node(node, index_)) return use.input == 0 && follow_into(*linear, use.node);
    if (use.input == 0 && node.output_size() == 1 && each_by_itself.contains(node.op_type())) return follow(node.output(0));
    const bool binary = node.op_type() == "Mul" || node.op_type() == "Add" || node.op_type() == "Sub" || node.op_type() == "Div";
    return (binary || (node.op_type() == "PRelu" && use.input == 0)) && follow_with_constant(node, use);
  }

  bool follow_into(const LinearNode& linear, int number) {
    if (linear.kind == LinearNode::Kind::gemm || linear.inputs != channels_) return false;
    const bool is_conv = linear.kind == LinearNode::Kind::conv;
    if (linear.groups == 1) return take({number, 1, is_conv ? 1 : 0});
    if (linear.groups != channels_ || linear.outputs != channels_) return false;
    if (!take({number, 1, 0})) return false;
    if (linear.bias != nullptr && element_count(shape_of(*linear.bias)) > 1 && !take({number, 2, 0})) return false;
    return follow(linear.node->output(0));
  }

  bool follow_with_constant(const onnx::NodeProto& node, const Use& use) {
    const auto* constant = index_.initializer(node.input(1 - use.input));
    if (constant == nullptr || constant->dims_size() > rank_) return false;
    const auto axis = 1 - (rank_ - constant->dims_size());
    const bool varies = axis >= 0 && constant->dims(static_cast<int>(axis)) == channels_;
    if (varies && !take({use.node, 1 - use.input, static_cast<int>(axis)})) return false;
    return follow(node.output(0));
  }

  // False where the constant would have to be stored a second time.
  bool take(const Reordering& reordering) {
    found_.push_back(reordering);
    return may_differ(*index_.initializer(index_.node(reordering.node).input(reordering.input)), index_);
  }

  const GraphIndex& index_;
  const ValueTypes& types_;
  std::ptrdiff_t rank_ = 0;
  int channels_;
  std::vector<Reordering> found_;
};

// What belonged to channel c of the shuffled tensor now belongs to the channel that c came from.
onnx::TensorProto reordered(const onnx::TensorProto& proto, const std::string& name, int axis, const ChannelShuffle& shuffle) {
  const Tensor old = from_proto(proto);
  Tensor result = old;
  const auto dims = std::span(old.shape);
  const auto slices = static_cast<std::size_t>(dims[static_cast<std::size_t>(axis)]);
  const auto outer = static_cast<std::size_t>(element_count(dims.first(static_cast<std::size_t>(axis))));
  const std::size_t slice = old.bytes.size() / (outer * slices);
  for (std::size_t i = 0; i < outer; ++i) {
    for (std::size_t c = 0; c < slices; ++c) {
      const auto to = static_cast<std::size_t>(shuffle.source(static_cast<int>(c)));
      std::copy_n(old.bytes.begin() + static_cast<std::ptrdiff_t>((i * slices + c) * slice), slice,
                  result.bytes.begin() + static_cast<std::ptrdiff_t>((i * slices + to) * slice));
    }
  }
  return to_proto(name, result);
}

void apply(onnx::GraphProto& graph, const ChannelShuffle& shuffle, const std::vector<Reordering>& reorderings, const GraphIndex& index) {
  NameMaker names(graph);
  std::vector<onnx::TensorProto> tensors;
  for (const auto& [number, input, axis] : reorderings) {
    const std::string name = index.node(number).input(input);
    const std::string now = index.only_use(name) ? name : names.unique(name + "_reordered");
    tensors.push_back(reordered(*index.initializer(name), now, axis, shuffle));
    graph.mutable_node(number)->set_input(input, now);
  }
  for (auto& tensor : tensors) put_initializer(graph, std::move(tensor));
  replace_uses(graph, shuffle.to, shuffle.from);
  remove_nodes(graph, {shuffle.nodes.begin(), shuffle.nodes.end()});
}

bool fold_one(Model& model) {
  auto& graph = model.graph();
  const GraphIndex index(graph);
  std::optional<ValueTypes> types;  // shape inference takes time, and most models have no shuffle
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto shuffle = channel_shuffle(i, index);
    if (!shuffle) continue;
    if (!types) types.emplace(model.proto);
    const auto& from = types->of(shuffle->from).shape;
    if (!from || !shuffle->keeps_shape(*from)) continue;
    ShuffleFollower follower(index, *types, shuffle->channels());
    if (!follower.follow(shuffle->to)) continue;
    apply(graph, *shuffle, follower.found(), index);
    return true;
  }
  return false;
}

}  // namespace

std::string fold_shuffles(Model& model) {
  std::size_t folded = 0;
  while (fold_one(model)) ++folded;
  if (folded > 0) remove_unused(model.graph());
  return counted(folded, "channel shuffle", "channel shuffles");
}

}  // namespace quantize
