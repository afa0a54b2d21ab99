// Does a model still compute the function it was loaded with? Measured by running both on the same inputs.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>
#include <string>
#include <vector>

#include "model/tensor.h"

namespace quantize {

struct Parity {
  // Over all outputs and input sets: for float outputs the largest absolute difference divided by the range (max - min) of that output of
  // the model as loaded, for integer and boolean outputs (class maps) the share of elements that differ. Infinity where a shape, type or
  // NaN differs.
  double difference = 0;
  std::string output;                        // the output with that difference
  bool same = true;                          // difference within the tolerance
  std::vector<std::vector<Tensor>> outputs;  // of the model that was measured: [input set][output]
};

struct ParityRuns {
  unsigned threads = 1;
  unsigned at_once = 2;          // input sets that run at the same time, at most
  bool one_thread_each = false;  // so that what they give does not depend on `threads`
};

class ParityCheck {
 public:
  // Runs the model as loaded. Throws Error{model} where ONNX Runtime cannot load or run it, Error{numeric} naming the output where a result
  // holds NaN or infinity. At most the first two input sets are used; `inputs` must outlive this object. They run side
  // by side and divide the threads among them.
  ParityCheck(const onnx::ModelProto& model, std::span<const std::vector<Tensor>> inputs, const ParityRuns& runs);

  // Throws Error{model} where ONNX Runtime cannot load or run `model`.
  [[nodiscard]] Parity measure(const onnx::ModelProto& model) const;
  [[nodiscard]] double tolerance() const { return tolerance_; }
  // Of the model as loaded: [input set][output].
  [[nodiscard]] const std::vector<std::vector<Tensor>>& reference() const { return reference_; }

 private:
  [[nodiscard]] std::vector<std::vector<Tensor>> run(const onnx::ModelProto& model) const;

  std::span<const std::vector<Tensor>> inputs_;
  ParityRuns runs_;
  double tolerance_;
  std::vector<std::string> names_;
  std::vector<std::vector<Tensor>> reference_;  // [input set][output]
  std::vector<double> ranges_;                  // per output, over the input sets; 1 for integer outputs
};

}  // namespace quantize
