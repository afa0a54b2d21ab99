#include "optimize/judged_outputs.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "model/graph.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

bool is_float_output(const onnx::ValueInfoProto& output) {
  return is_float(static_cast<ElementType>(output.type().tensor_type().elem_type()));
}

// What the node makes its values of; of a comparison with a constant, the other side.
const std::string& data_input(const onnx::NodeProto& node, const GraphIndex& index) {
  return node.input_size() > 1 && index.constant(node.input(0)) != nullptr ? node.input(1) : node.input(0);
}

std::optional<std::string> scores_behind(std::string tensor, const GraphIndex& index, const ValueTypes& types) {
  static const std::set<std::string> choosing = {"ArgMax",  "ArgMin",    "TopK",    "Greater",   "GreaterOrEqual", "Less", "LessOrEqual",
                                                 "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Flatten",        "Cast", "Identity"};
  const auto maker = [&] { return index.producer(tensor); };
  while (types.of(tensor).type != onnx::TensorProto::FLOAT) {
    if (maker() == nullptr || !choosing.contains(maker()->op_type()) || maker()->input_size() == 0) return {};
    tensor = data_input(*maker(), index);
  }
  while (maker() != nullptr && maker()->op_type() == "Resize") tensor = maker()->input(0);
  return maker() != nullptr ? std::optional(tensor) : std::nullopt;
}

// Of one sample's judged outputs, in bytes; empty where one of them is not known.
std::vector<std::size_t> judged_sizes(const onnx::ModelProto& model) {
  auto judged = scores_behind_outputs(model);
  for (const auto& output : model.graph().output()) {
    if (is_float_output(output)) judged.push_back(output.name());
  }
  if (judged.empty()) judged.push_back(model.graph().output(0).name());
  const ValueTypes types(model);
  std::vector<std::size_t> sizes;
  for (const auto& name : judged) {
    if (!types.of(name).is_static()) return {};
    sizes.push_back(static_cast<std::size_t>(element_count(*types.of(name).shape)) * sizeof(float));
  }
  return sizes;
}

}  // namespace

std::vector<std::string> scores_behind_outputs(const onnx::ModelProto& model) {
  if (std::ranges::any_of(model.graph().output(), is_float_output)) return {};
  const GraphIndex index(model.graph());
  const ValueTypes types(model);
  std::vector<std::string> scores;
  for (const auto& output : model.graph().output()) {
    const auto found = scores_behind(output.name(), index, types);
    if (found && std::ranges::find(scores, *found) == scores.end()) scores.push_back(*found);
  }
  return scores;
}

Model with_outputs_replaced(const Model& model, std::span<const std::string> tensors) {
  Model result = model;
  result.graph().clear_output();
  for (const auto& name : tensors) {
    auto& output = *result.graph().add_output();
    output.set_name(name);
    output.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  return result;
}

std::size_t outputs_that_fit(std::span<const std::size_t> bytes, std::size_t samples, const Context& context) {
  std::size_t fitting = 0, sum = 0;
  for (const std::size_t size : bytes) {
    sum += size * samples;
    if (fitting > 0 && sum > context.working_memory / 4) break;
    ++fitting;
  }
  return fitting;
}

std::size_t judged_that_fit(const onnx::ModelProto& model, std::size_t wanted, std::size_t least, const Context& context) {
  const auto sizes = judged_sizes(model);
  if (sizes.empty()) return wanted;
  return std::clamp(context.working_memory / 2 / std::max<std::size_t>(1, sizes[0]), std::min(least, wanted), wanted);
}

std::size_t judge_bytes(const onnx::ModelProto& model, std::size_t samples, const Context& context) {
  const auto sizes = judged_sizes(model);
  const std::size_t fitting = outputs_that_fit(sizes, samples, context);
  const auto kept = std::accumulate(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(fitting), std::size_t{0});
  const auto made = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  return samples * kept + 2 * made * context.samples_at_once();  // made: as ONNX Runtime's, and as they are compared
}

}  // namespace quantize
