#include "pipeline/first_nonfinite.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

constexpr int nodes_at_a_time = 16;  // bounds the memory for their outputs

bool finite(const Tensor& tensor) {
  if (!is_float(tensor.type)) return true;
  const auto values = float_values(tensor);
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// The first of the nodes begin .. end-1 that makes a value which is not finite; nullptr where none does.
const onnx::NodeProto* first_of(const Model& model, int begin, int end, std::span<const Tensor> inputs, std::string& tensor) {
  std::vector<std::string> names;
  for (int i = begin; i < end; ++i) {
    for (const auto& output : model.graph().node(i).output()) {
      if (!output.empty()) names.push_back(output);
    }
  }
  const Session session(with_outputs(model.proto, names), {.optimization = Optimization::none});
  const auto values = session.run(inputs);
  std::map<std::string, bool> is_finite;
  for (std::size_t i = 0; i < values.size(); ++i) is_finite[session.outputs()[i].name] = finite(values[i]);
  for (int i = begin; i < end; ++i) {
    for (const auto& output : model.graph().node(i).output()) {
      if (output.empty() || is_finite[output]) continue;
      tensor = output;
      return &model.graph().node(i);
    }
  }
  return nullptr;
}

}  // namespace

std::string first_nonfinite(const Model& model, std::span<const Tensor> inputs) {
  try {
    for (int begin = 0; begin < model.graph().node_size(); begin += nodes_at_a_time) {
      std::string tensor;
      const auto* node = first_of(model, begin, std::min(begin + nodes_at_a_time, model.graph().node_size()), inputs, tensor);
      if (node != nullptr) return "tensor '" + tensor + "', which " + describe(*node) + " makes";
    }
  } catch (const Error&) {  // an inner tensor of a kind that cannot be an output: the caller's message has to do
  }
  return {};
}

std::string first_nonfinite_sample(const Model& model, std::span<const std::string> tensors, const SampleSource& samples,
                                   const Context& context) {
  try {
    const Session session(with_outputs(model.proto, tensors), {.threads = context.threads});
    for (std::size_t i = 0; i < samples.size(); ++i) {
      context.check_stop();
      const Sample sample = samples.load(i);
      const auto values = session.run(sample.inputs);
      if (!std::all_of(values.begin(), values.end(), finite)) return sample.stem;
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
  }
  return {};
}

}  // namespace quantize
