#include "optimize/replay.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/parallel.h"
#include "model/edit.h"
#include "model/graph.h"
#include "run/session.h"

namespace quantize {

Replay::Replay(const onnx::ModelProto& model, const LoadSample& load, std::size_t samples, const Context& context, unsigned threads)
    : model_(model), context_(context), threads_(threads), live_(samples) {
  const auto& graph = model.graph();
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const auto& name : graph.node(i).input()) last_use_[name] = i;
    for (const auto& name : captured_tensors(graph.node(i))) last_use_[name] = i;
  }
  const auto inputs = fed_inputs(graph);
  parallel_for_samples(context, samples, [&](std::size_t sample, unsigned) {
    auto tensors = load(sample);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (read_later(inputs[i]->name(), 0)) live_[sample][inputs[i]->name()] = std::move(tensors[i]);
    }
  });
}

bool Replay::read_later(const std::string& tensor, int node) const {
  const auto found = last_use_.find(tensor);
  return found != last_use_.end() && found->second >= node;
}

void Replay::advance_to(int node) {
  std::set<std::string> made, given;
  for (int i = next_; i < node; ++i) {
    const auto& current = model_.graph().node(i);
    for (const auto& name : current.output()) {
      if (!name.empty() && read_later(name, node)) made.insert(name);
    }
    auto read = captured_tensors(current);
    read.insert(current.input().begin(), current.input().end());
    for (const auto& name : read) {
      if (!live_.empty() && live_[0].contains(name)) given.insert(name);
    }
  }
  next_ = std::max(next_, node);
  if (!made.empty()) {
    const std::vector<std::string> inputs(given.begin(), given.end()), outputs(made.begin(), made.end());
    auto part = extract(model_, inputs, outputs);
    for (auto& input : *part.mutable_graph()->mutable_input()) {
      input.mutable_type()->mutable_tensor_type()->set_elem_type(live_[0].at(input.name()).type);
    }
    const Session session(part, {.threads = threads_, .fuse_quantized = false});
    parallel_for_samples(context_, live_.size(), [&](std::size_t sample, unsigned) {
      std::vector<Tensor> tensors;
      for (const auto& spec : session.inputs()) tensors.push_back(live_[sample].at(spec.name));
      auto results = session.run(tensors);
      for (std::size_t i = 0; i < results.size(); ++i) live_[sample][session.outputs()[i].name] = std::move(results[i]);
    });
  }
  for (auto& tensors : live_) std::erase_if(tensors, [&](const auto& entry) { return !read_later(entry.first, node); });
}

std::size_t Replay::live_bytes() const {
  std::size_t bytes = 0;
  if (!live_.empty()) {
    for (const auto& [name, tensor] : live_[0]) bytes += tensor.bytes.size();
  }
  return bytes;
}

std::size_t live_activation_bytes(const onnx::ModelProto& model, const LoadSample& load, const Context& context) {
  Replay replay(model, load, 1, context, std::max(1U, context.threads));
  std::size_t most = replay.live_bytes();
  for (int node = 1; node <= model.graph().node_size(); ++node) {
    replay.advance_to(node);
    most = std::max(most, replay.live_bytes());
  }
  return most;
}

}  // namespace quantize
