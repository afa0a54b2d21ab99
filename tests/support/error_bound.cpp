#include "support/error_bound.h"

#include <cmath>

#include "model/edit.h"
#include "model/graph.h"
#include "run/session.h"

namespace quantize::test {
namespace {

bool is_float(const Tensor& tensor) {
  return tensor.type == onnx::TensorProto::FLOAT || tensor.type == onnx::TensorProto::FLOAT16 || tensor.type == onnx::TensorProto::DOUBLE;
}

// A tensor that the quantized model holds on a grid.
struct Rounded {
  std::string name;
  Tensor value;  // in the float model
  Encoding encoding;
  [[nodiscard]] float step(std::size_t element) const { return encoding.scale[slice_of(element, value.shape, encoding)]; }
};

// The activations that are rounded (not those that only receive values already on their grid), the constants and the weights. Biases, with
// 2^30 steps to their range, do not count.
std::vector<Rounded> rounded_tensors(const PlannedGraph& plan, const std::vector<Tensor>& inputs) {
  const auto& model = plan.prepared.proto;
  std::vector<std::string> names, inner;
  for (const auto& group : plan.placement.groups) names.insert(names.end(), group.sources.begin(), group.sources.end());
  std::vector<Rounded> tensors;
  const auto fed = fed_inputs(model.graph());
  for (std::size_t i = 0; i < fed.size(); ++i) {
    if (std::find(names.begin(), names.end(), fed[i]->name()) != names.end())
      tensors.push_back({fed[i]->name(), inputs[i], plan.encodings.activations.at(fed[i]->name())});
  }
  for (const auto& name : names) {
    if (std::none_of(fed.begin(), fed.end(), [&](const auto* input) { return input->name() == name; })) inner.push_back(name);
  }
  if (!inner.empty()) {
    auto part = model;
    part.mutable_graph()->clear_output();
    for (const auto& name : inner) part.mutable_graph()->add_output()->set_name(name);
    auto values = run_model(part, inputs);
    for (std::size_t i = 0; i < inner.size(); ++i)
      tensors.push_back({inner[i], std::move(values[i]), plan.encodings.activations.at(inner[i])});
  }
  const GraphIndex index(model.graph());
  for (const auto& name : plan.placement.constants)
    tensors.push_back({name, from_proto(*index.constant(name)), plan.encodings.activations.at(name)});
  for (const auto& [name, encoding] : plan.encodings.weights) tensors.push_back({name, from_proto(*index.constant(name)), encoding});
  return tensors;
}

// Runs what lies between one tensor, moved, and the outputs.
class Response {
 public:
  Response(const onnx::ModelProto& model, const std::string& tensor, std::vector<Tensor> inputs) : tensors_(std::move(inputs)) {
    std::vector<std::string> given, wanted;
    for (const auto* input : fed_inputs(model.graph())) given.push_back(input->name());
    if (std::find(given.begin(), given.end(), tensor) == given.end()) given.push_back(tensor);
    position_ = static_cast<std::size_t>(std::find(given.begin(), given.end(), tensor) - given.begin());
    for (const auto& output : model.graph().output()) wanted.push_back(output.name());
    auto part = extract(model, given, wanted);
    // An output that is the moved tensor itself, or another input, still needs a node to make it.
    NameMaker names(part.graph());
    for (auto& output : *part.mutable_graph()->mutable_output()) {
      if (std::find(given.begin(), given.end(), output.name()) == given.end()) continue;
      const std::string copy = names.unique(output.name() + "_copy");
      *part.mutable_graph()->add_node() = make_node("Identity", std::vector{output.name()}, std::vector{copy});
      output.set_name(copy);
    }
    session_ = std::make_unique<Session>(part, SessionOptions{.threads = 1, .optimization = Optimization::none});
  }

  std::vector<Tensor> operator()(const Tensor& moved) {
    tensors_.resize(std::max(tensors_.size(), position_ + 1));
    tensors_[position_] = moved;
    return session_->run(tensors_);
  }

 private:
  std::vector<Tensor> tensors_;
  std::size_t position_ = 0;
  std::unique_ptr<Session> session_;
};

void add_response(std::vector<OutputBound>& bounds, const std::vector<Tensor>& still, const std::vector<Tensor>& up,
                  const std::vector<Tensor>& down) {
  for (std::size_t output = 0; output < still.size(); ++output) {
    if (!is_float(still[output])) continue;
    const auto middle = values_of(still[output]), high = values_of(up[output]), low = values_of(down[output]);
    if (high.size() != middle.size() || low.size() != middle.size()) continue;  // a shape that depends on values
    for (std::size_t j = 0; j < middle.size(); ++j) {
      const double moved = std::max(std::fabs(high[j] - middle[j]), std::fabs(low[j] - middle[j]));
      bounds[output].largest[j] += moved;
      bounds[output].mean_square[j] += moved * moved / 12;
    }
  }
}

}  // namespace

std::vector<OutputBound> error_bounds(const PlannedGraph& plan, const std::vector<Tensor>& inputs) {
  const auto still = run_model(plan.prepared.proto, inputs);
  std::vector<OutputBound> bounds(still.size());
  for (std::size_t output = 0; output < still.size(); ++output) {
    if (!is_float(still[output])) continue;
    const auto count = static_cast<std::size_t>(still[output].size());
    bounds[output] = {std::vector<double>(count), std::vector<double>(count)};
  }
  for (const auto& rounded : rounded_tensors(plan, inputs)) {
    Response response(plan.prepared.proto, rounded.name, inputs);
    Tensor moved = rounded.value;
    for (std::size_t i = 0; i < static_cast<std::size_t>(moved.size()); ++i) {
      const float value = rounded.value.as<float>()[i], step = rounded.step(i);
      moved.as<float>()[i] = value + step;
      const auto up = response(moved);
      moved.as<float>()[i] = value - step;
      const auto down = response(moved);
      moved.as<float>()[i] = value;
      add_response(bounds, still, up, down);
    }
  }
  return bounds;
}

}  // namespace quantize::test
