#include "run/taps.h"

#include <set>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/model.h"
#include "model/tensor.h"

namespace quantize {
namespace {

// Nodes and constants on top of a graph, under names of their own.
class Addition {
 public:
  explicit Addition(onnx::GraphProto& graph) : graph_(graph), names_(graph) {}

  std::string constant(const std::vector<std::int64_t>& value, std::size_t rank = 1) {
    const std::string name = names_.unique("tap_constant");
    put_initializer(graph_, make_tensor(name, Shape(rank, static_cast<std::int64_t>(value.size())), value));
    return name;
  }
  onnx::NodeProto& add(const std::string& type, const std::vector<std::string>& inputs) {
    const std::string output = names_.unique("tap_" + std::to_string(graph_.node_size()));
    return *graph_.add_node() = make_node(type, inputs, {&output, 1});
  }

 private:
  onnx::GraphProto& graph_;
  NameMaker names_;
};

}  // namespace

onnx::ModelProto with_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors) {
  onnx::ModelProto tapped = model;
  std::set<std::string> present;
  for (const auto& output : model.graph().output()) present.insert(output.name());
  for (const auto& name : tensors) {
    if (present.insert(name).second) tapped.mutable_graph()->add_output()->set_name(name);  // ONNX Runtime infers the type
  }
  return tapped;
}

onnx::ModelProto with_shape_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors) {
  onnx::ModelProto tapped = model;
  auto& graph = *tapped.mutable_graph();
  NameMaker names(graph);
  graph.clear_output();
  // In reverse: ONNX Runtime orders a graph from its last leaf backwards, so that the first tensors are let go first.
  std::vector<std::string> shapes(tensors.size());
  for (std::size_t i = tensors.size(); i-- > 0;) {
    shapes[i] = names.unique("shape");
    *graph.add_node() = make_node("Shape", {&tensors[i], 1}, {&shapes[i], 1});
  }
  for (const auto& shape : shapes) graph.add_output()->set_name(shape);
  return tapped;
}

onnx::ModelProto with_largest_by_channel(const onnx::ModelProto& model, std::span<const ChannelTap> taps) {
  onnx::ModelProto tapped = model;
  auto& graph = *tapped.mutable_graph();
  graph.clear_output();
  Addition addition(graph);
  std::vector<std::string> outputs(taps.size());
  // In reverse: ONNX Runtime orders a graph from its last leaf backwards, so that the first tensors are let go first.
  for (std::size_t i = taps.size(); i-- > 0;) {
    const std::string magnitudes = addition.add("Abs", {taps[i].tensor}).output(0);
    const std::string rows = addition.add("Reshape", {magnitudes, addition.constant({-1, taps[i].channels})}).output(0);
    auto& largest = addition.add("ReduceMax", {rows});
    set_attribute(largest, "keepdims", std::int64_t{0});
    if (opset_of(model) < 18) {
      set_attribute(largest, "axes", std::vector<std::int64_t>{0});
    } else {
      largest.add_input(addition.constant({0}));
    }
    outputs[i] = largest.output(0);
  }
  for (const auto& output : outputs) graph.add_output()->set_name(output);
  remove_unused(graph);
  return tapped;
}

namespace {

// Value i is number i * p modulo the tensor's size: p is prime and larger than any tensor, so that no value comes twice.
class Sampler {
 public:
  Sampler(onnx::ModelProto& model, std::int64_t most) : addition_(*model.mutable_graph()), copies_(opset_of(model) >= 21) {
    constexpr std::int64_t prime = 2654435761;  // the golden ratio's share of 2^32: neighbours in i end up far apart
    std::vector<std::int64_t> products;
    for (std::int64_t i = 0; i < most; ++i) products.push_back(i * prime);
    all_ = addition_.constant({-1});
    first_ = addition_.constant({0});
    most_ = addition_.constant({most}, 0);
    one_ = addition_.constant({1}, 0);
    products_ = addition_.constant(products);
  }

  // Through a Sum of one input, which only copies: from opset 21 on, ONNX Runtime would move the int8 QuantizeLinear of a tensor of
  // integers behind the Reshape and then refuse what it made.
  std::string sample(const std::string& tensor) {
    const std::string size = add("Size", {tensor}), count = add("Reshape", {add("Min", {size, most_}), all_});
    const std::string modulus = add("Max", {size, one_});  // of an empty tensor no place is asked for, but nothing is divided by 0
    const std::string place = add("Mod", {add("Slice", {products_, first_, count}), modulus});
    const std::string flat = add("Reshape", {copies_ ? add("Sum", {tensor}) : tensor, all_});
    return add("Gather", {flat, place});
  }

 private:
  std::string add(const std::string& type, const std::vector<std::string>& inputs) { return addition_.add(type, inputs).output(0); }

  Addition addition_;
  bool copies_;
  std::string all_, first_, most_, one_, products_;
};

}  // namespace

SampledModel with_sampled_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors, std::int64_t most) {
  SampledModel result{model, std::vector<std::string>(tensors.size())};
  auto& graph = *result.model.mutable_graph();
  graph.clear_output();
  Sampler sampler(result.model, most);
  // In reverse: ONNX Runtime orders a graph from its last leaf backwards, so that the first tensors are let go first.
  for (std::size_t i = tensors.size(); i-- > 0;) {
    result.outputs[i] = sampler.sample(tensors[i]);
    graph.add_output()->set_name(result.outputs[i]);
  }
  remove_unused(graph);
  return result;
}

}  // namespace quantize
