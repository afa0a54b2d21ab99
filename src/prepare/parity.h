// Does a model still compute the function it was loaded with? Measured by running both on the same inputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <future>
#include <span>
#include <string>
#include <vector>

#include "model/tensor.h"
#include "run/session.h"

namespace quantize {

struct Parity {
  // Over all outputs and input sets: for float outputs the largest absolute difference divided by the range (max - min) of that output of
  // the model as loaded, for integer and boolean outputs (class maps) the share of elements that differ or, where that is less, the mean
  // absolute difference divided by the range; a single element of several counts as none. Infinity where a shape, type or NaN differs.
  double difference = 0;
  std::string output;                        // the output with that difference
  bool same = true;                          // difference within the tolerance
  std::vector<std::vector<Tensor>> outputs;  // of the model that was measured: [input set][output]
};

// How exactly a model of these element types can be compared.
struct ParityLimits {
  double tolerance;    // of Parity::difference
  double least_range;  // of an output, as a share of its largest magnitude: one that hardly varies counts as if it varied by that
};

struct ParityRuns {
  unsigned threads = 1;
  unsigned at_once = 2;          // input sets that run at the same time, at most
  bool one_thread_each = false;  // so that what they give does not depend on `threads`
};

class ParityCheck {
 public:
  // Keeps a copy of `model`, which ONNX Runtime begins to load meanwhile. At most the first two input sets are used; `inputs` must outlive
  // this object. They run side by side and divide the threads among them.
  ParityCheck(const onnx::ModelProto& model, std::span<const std::vector<Tensor>> inputs, const ParityRuns& runs);

  ParityCheck(const ParityCheck&) = delete;
  ParityCheck& operator=(const ParityCheck&) = delete;
  ~ParityCheck() = default;

  // Of the model as loaded: [input set][output], from a run where it is first asked for. Throws Error{model} where ONNX Runtime cannot load
  // or run it, Error{numeric} naming the output where a result holds NaN or infinity.
  const std::vector<std::vector<Tensor>>& reference();
  // Throws as reference() does, and Error{model} where ONNX Runtime cannot load or run `model`.
  Parity measure(const onnx::ModelProto& model);
  [[nodiscard]] double tolerance() const { return limits_.tolerance; }
  [[nodiscard]] const onnx::ModelProto& loaded() const { return loaded_; }

 private:
  [[nodiscard]] unsigned sets_at_once() const;
  [[nodiscard]] Session open(const onnx::ModelProto& model) const;
  [[nodiscard]] std::vector<std::vector<Tensor>> run(const Session& session) const;
  [[nodiscard]] double range_of(const std::vector<std::vector<Tensor>>& results, std::size_t output) const;

  const onnx::ModelProto loaded_;
  std::span<const std::vector<Tensor>> inputs_;
  ParityRuns runs_;
  ParityLimits limits_;
  std::vector<std::string> names_;
  std::shared_future<Session> session_;         // of the model as loaded, until it has run
  std::vector<std::vector<Tensor>> reference_;  // [input set][output]
  std::vector<double> ranges_;                  // per output, over the input sets
};

}  // namespace quantize
