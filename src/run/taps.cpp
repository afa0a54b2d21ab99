#include "run/taps.h"

#include <limits>
#include <set>

#include "model/edit.h"
#include "model/tensor.h"

namespace quantize {

onnx::ModelProto with_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors) {
  onnx::ModelProto tapped = model;
  std::set<std::string> present;
  for (const auto& output : model.graph().output()) present.insert(output.name());
  for (const auto& name : tensors) {
    if (present.insert(name).second) tapped.mutable_graph()->add_output()->set_name(name);  // ONNX Runtime infers the type
  }
  return tapped;
}

namespace {

// t -> Reshape to one dimension -> Slice with a step that follows from the number of values
class Sampler {
 public:
  Sampler(onnx::GraphProto& graph, std::int64_t most)
      : graph_(graph),
        names_(graph),
        all_(constant("sample_all", {-1}, 1)),
        first_(constant("sample_first", {0}, 1)),
        last_(constant("sample_last", {std::numeric_limits<std::int64_t>::max()}, 1)),
        most_(constant("sample_most", {2 * most}, 0)),
        two_(constant("sample_two", {2}, 0)),
        one_(constant("sample_one", {1}, 0)) {}

  std::string sample(const std::string& tensor) {
    const std::string size = add("Size", {tensor}), half = add("Div", {size, most_}), even = add("Mul", {half, two_}),
                      odd = add("Add", {even, one_}), step = add("Reshape", {odd, all_}), flat = add("Reshape", {tensor, all_});
    return add("Slice", {flat, first_, last_, first_, step});
  }

 private:
  std::string constant(const std::string& wanted, const std::vector<std::int64_t>& value, std::size_t rank) {
    const std::string name = names_.unique(wanted);
    put_initializer(graph_, make_tensor(name, Shape(rank, 1), value));
    return name;
  }

  std::string add(const std::string& type, const std::vector<std::string>& inputs) {
    const std::string output = names_.unique("sample_" + std::to_string(graph_.node_size()));
    *graph_.add_node() = make_node(type, inputs, {&output, 1});
    return output;
  }

  onnx::GraphProto& graph_;
  NameMaker names_;
  const std::string all_, first_, last_, most_, two_, one_;
};

}  // namespace

SampledModel with_sampled_outputs(const onnx::ModelProto& model, std::span<const std::string> tensors, std::int64_t most) {
  SampledModel result{model, std::vector<std::string>(tensors.size())};
  auto& graph = *result.model.mutable_graph();
  graph.clear_output();
  Sampler sampler(graph, most);
  // In reverse: ONNX Runtime orders a graph from its last leaf backwards, so that the first tensors are let go first.
  for (std::size_t i = tensors.size(); i-- > 0;) {
    result.outputs[i] = sampler.sample(tensors[i]);
    graph.add_output()->set_name(result.outputs[i]);
  }
  remove_unused(graph);
  return result;
}

}  // namespace quantize
