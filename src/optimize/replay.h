// Runs a network piece by piece on many samples, keeping only the tensors that later nodes still read: each node runs once per sample,
// however often the caller stops in between to look at a tensor or to change weights further on.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/model.h"
#include "observe/calibrate.h"

namespace quantize {

class Replay {
 public:
  // `model` is kept by reference: weights of nodes not yet run may be changed between calls, its nodes may not. `threads`: within one
  // sample; more than one may change the last bits of what is computed.
  Replay(const onnx::ModelProto& model, const LoadSample& load, std::size_t samples, const Context& context, unsigned threads = 1);

  // Runs all nodes before node number `node`. Afterwards value() knows every tensor that `node` or a later node reads.
  void advance_to(int node);
  [[nodiscard]] const Tensor& value(std::size_t sample, const std::string& tensor) const { return live_[sample].at(tensor); }
  // Everything that is kept of one sample.
  [[nodiscard]] const std::map<std::string, Tensor>& kept(std::size_t sample) const { return live_[sample]; }
  [[nodiscard]] std::size_t samples() const { return live_.size(); }
  // Bytes of all tensors kept for one sample.
  [[nodiscard]] std::size_t live_bytes() const;

 private:
  [[nodiscard]] bool read_later(const std::string& tensor, int node) const;

  const onnx::ModelProto& model_;
  const Context& context_;
  const unsigned threads_;
  std::map<std::string, int> last_use_;
  std::vector<std::map<std::string, Tensor>> live_;
  int next_ = 0;
};

// Bytes of the activations that are alive at once in a run of the first sample, at the most.
std::size_t live_activation_bytes(const onnx::ModelProto& model, const LoadSample& load, const Context& context);

}  // namespace quantize
