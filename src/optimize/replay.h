// Runs a network piece by piece on many samples, keeping only the tensors that later nodes still read: each node runs once per sample,
// however often the caller stops in between to look at a tensor or to change weights further on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/edit.h"
#include "model/model.h"
#include "observe/calibrate.h"
#include "run/session.h"

namespace quantize {

class Replay {
 public:
  // `model` is kept by reference: weights of nodes not yet run may be changed between calls, its nodes may not.
  Replay(const onnx::ModelProto& model, const LoadSample& load, std::size_t samples, const Context& context);

  // Runs all nodes before node number `node`. Afterwards value() knows every tensor that `node` or a later node reads.
  void advance_to(int node);
  // Several networks, each to its node, at the same time; one after the other where what they run has large weights.
  struct Advance {
    Replay* replay;
    int node;
  };
  static void advance_all(std::span<const Advance> advances, const Context& context);
  [[nodiscard]] const Tensor& value(std::size_t sample, const std::string& tensor) const { return live_[sample].at(tensor); }
  // Everything that is kept of one sample.
  [[nodiscard]] const std::map<std::string, Tensor>& kept(std::size_t sample) const { return live_[sample]; }
  [[nodiscard]] std::size_t samples() const { return live_.size(); }
  // Bytes of all tensors kept for one sample.
  [[nodiscard]] std::size_t live_bytes() const;

 private:
  // The nodes up to `node`, as a model of their own; none where nothing of what they make is read later.
  [[nodiscard]] std::optional<Session> part_up_to(int node);
  // What is kept of what the node reads, or of what the sequences that it reads are made of.
  void add_given(const onnx::NodeProto& node, std::set<std::string>& given) const;
  void run_sample(const std::optional<Session>& part, std::size_t sample, int node);
  [[nodiscard]] bool read_later(const std::string& tensor, int node) const;
  // Of the nodes up to `node` that are still to be run.
  [[nodiscard]] std::size_t weight_bytes(int node) const;

  const onnx::ModelProto& model_;
  const Context& context_;
  const Extractor parts_;
  std::map<std::string, int> last_use_;
  std::map<std::string, int> sequences_;  // by name, the node that makes it
  std::map<std::string, std::size_t> weight_bytes_;
  std::vector<std::map<std::string, Tensor>> live_;
  int next_ = 0;
};

// Bytes of the activations that are alive at once in a run on `inputs`, at the most, as a Replay of one sample would keep them.
std::size_t live_activation_bytes(const onnx::ModelProto& model, std::span<const Tensor> inputs, const Context& context);

}  // namespace quantize
