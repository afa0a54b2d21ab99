#include "optimize/replay.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/parallel.h"
#include "model/graph.h"
#include "model/payload.h"
#include "prepare/value_types.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

const std::set<std::string> makes_sequence = {"SequenceConstruct", "SequenceEmpty", "SequenceInsert",
                                              "SequenceErase",     "SequenceMap",   "SplitToSequence"};

constexpr std::size_t large = std::size_t{32} << 20;  // what is, is worth its return to the system

// By tensor, the last node that reads it. A sequence is not kept but made again for every reader, and so what it is made of is read then.
std::map<std::string, int> last_uses(const onnx::GraphProto& graph) {
  std::map<std::string, int> last;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const auto& name : tensors_read_by(graph.node(i))) last[name] = i;
  }
  for (int i = graph.node_size(); i-- > 0;) {
    const auto& node = graph.node(i);
    const auto use = makes_sequence.contains(node.op_type()) ? last.find(node.output(0)) : last.end();
    if (use == last.end()) continue;
    const int until = use->second;
    for (const auto& name : tensors_read_by(node)) last[name] = std::max(last[name], until);
  }
  return last;
}

// Of tensors that nodes make, for these inputs: inferred where the model says enough for all of them, else from one run.
std::vector<Shape> shapes_of(const onnx::ModelProto& model, const std::vector<std::string>& tensors, std::span<const Tensor> inputs,
                             const Context& context) {
  const ValueTypes types(model);
  std::vector<Shape> shapes;
  if (std::ranges::all_of(tensors, [&](const auto& name) { return types.of(name).is_static(); })) {
    for (const auto& name : tensors) shapes.push_back(*types.of(name).shape);
    return shapes;
  }
  for (const auto& shape : Session(with_shape_outputs(model, tensors), {.threads = std::max(1U, context.threads)}).run(inputs)) {
    const auto sizes = shape.as<std::int64_t>();
    shapes.emplace_back(sizes.begin(), sizes.end());
  }
  return shapes;
}

}  // namespace

Replay::Replay(const onnx::ModelProto& model, const LoadSample& load, std::size_t samples, const Context& context)
    : model_(model), context_(context), parts_(model), last_use_(last_uses(model.graph())), live_(samples) {
  for (int i = 0; i < model.graph().node_size(); ++i) {
    const auto& node = model.graph().node(i);
    if (makes_sequence.contains(node.op_type())) sequences_[node.output(0)] = i;
  }
  for (const auto& tensor : model.graph().initializer()) weight_bytes_[tensor.name()] = stored_bytes(tensor);
  const auto inputs = fed_inputs(model.graph());
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

void Replay::add_given(const onnx::NodeProto& node, std::set<std::string>& given) const {
  for (const auto& name : tensors_read_by(node)) {
    const auto sequence = sequences_.find(name);
    if (live_[0].contains(name)) {
      given.insert(name);
    } else if (sequence != sequences_.end()) {
      add_given(model_.graph().node(sequence->second), given);
    }
  }
}

std::optional<Session> Replay::part_up_to(int node) {
  std::set<std::string> made, given;
  for (int i = next_; i < node; ++i) {
    const auto& current = model_.graph().node(i);
    for (const auto& name : current.output()) {
      if (!name.empty() && read_later(name, node) && !sequences_.contains(name)) made.insert(name);
    }
    if (!live_.empty()) add_given(current, given);
  }
  next_ = std::max(next_, node);
  if (made.empty()) return std::nullopt;
  const std::vector<std::string> inputs(given.begin(), given.end()), outputs(made.begin(), made.end());
  auto part = parts_.part(inputs, outputs);
  for (auto& input : *part.mutable_graph()->mutable_input()) {
    input.mutable_type()->mutable_tensor_type()->set_elem_type(live_[0].at(input.name()).type);
  }
  return Session(part, {.fuse_quantized = false, .keep_memory = live_bytes() < large});
}

// What nobody reads any more is dropped sample by sample: of large pictures, all samples' inputs beside their outputs would be twice as
// much.
void Replay::run_sample(const std::optional<Session>& part, std::size_t sample, int node) {
  auto& live = live_[sample];
  std::vector<Tensor> results;
  if (part) {
    std::vector<Tensor> tensors;
    for (const auto& spec : part->inputs()) {
      auto& tensor = live.at(spec.name);
      tensors.push_back(read_later(spec.name, node) ? tensor : std::move(tensor));
    }
    results = part->run(tensors);
  }
  std::erase_if(live, [&](const auto& entry) { return !read_later(entry.first, node); });
  for (std::size_t i = 0; i < results.size(); ++i) live[part->outputs()[i].name] = std::move(results[i]);
}

std::size_t Replay::weight_bytes(int node) const {
  std::size_t bytes = 0;
  for (int i = next_; i < node; ++i) {
    for (const auto& name : model_.graph().node(i).input()) {
      if (const auto weight = weight_bytes_.find(name); weight != weight_bytes_.end()) bytes += weight->second;
    }
  }
  return bytes;
}

void Replay::advance_all(std::span<const Advance> advances, const Context& context) {
  // A session takes several times its weights while it is opened, and twice them from then on.
  const bool one_by_one = std::ranges::any_of(advances, [](const Advance& each) { return each.replay->weight_bytes(each.node) > large; });
  if (one_by_one && advances.size() > 1) {
    for (const auto& each : advances) advance_all({&each, 1}, context);
    return;
  }
  std::vector<std::optional<Session>> parts(advances.size());
  parallel_for(context, advances.size(), [&](std::size_t i, unsigned) { parts[i] = advances[i].replay->part_up_to(advances[i].node); });
  std::vector<std::pair<std::size_t, std::size_t>> runs;  // which network, which sample
  for (std::size_t i = 0; i < advances.size(); ++i) {
    for (std::size_t sample = 0; sample < advances[i].replay->samples(); ++sample) runs.emplace_back(i, sample);
  }
  parallel_for_samples(context, runs.size(), [&](std::size_t r, unsigned) {
    const auto [i, sample] = runs[r];
    advances[i].replay->run_sample(parts[i], sample, advances[i].node);
  });
}

void Replay::advance_to(int node) {
  const Advance alone{this, node};
  advance_all({&alone, 1}, context_);
}

std::size_t Replay::live_bytes() const {
  std::size_t bytes = 0;
  if (!live_.empty()) {
    for (const auto& [name, tensor] : live_[0]) bytes += tensor.bytes.size();
  }
  return bytes;
}

std::size_t live_activation_bytes(const onnx::ModelProto& model, std::span<const Tensor> inputs, const Context& context) {
  const auto& graph = model.graph();
  std::map<std::string, std::size_t> bytes;
  const auto fed = fed_inputs(graph);
  for (std::size_t i = 0; i < fed.size(); ++i) bytes[fed[i]->name()] = inputs[i].bytes.size();
  std::vector<std::string> made;
  for (const auto& node : graph.node()) {
    if (makes_sequence.contains(node.op_type())) continue;  // its tensors are counted where they are taken out
    std::ranges::copy_if(node.output(), std::back_inserter(made), [](const auto& name) { return !name.empty(); });
  }
  const auto shapes = shapes_of(model, made, inputs, context);
  for (std::size_t i = 0; i < made.size(); ++i) bytes[made[i]] = static_cast<std::size_t>(element_count(shapes[i])) * sizeof(float);
  const auto last = last_uses(graph);
  std::size_t live = 0, most = 0;
  std::multimap<int, std::size_t> until;  // bytes by the node that reads them last
  const auto keep = [&](const std::string& name, int node) {
    const auto use = last.find(name);
    if (use == last.end() || use->second < node) return;
    live += bytes[name];
    until.emplace(use->second, bytes[name]);
  };
  for (const auto* input : fed) keep(input->name(), 0);
  most = live;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (; !until.empty() && until.begin()->first <= i; until.erase(until.begin())) live -= until.begin()->second;
    for (const auto& name : graph.node(i).output()) keep(name, i + 1);
    most = std::max(most, live);
  }
  return most;
}

}  // namespace quantize
