// A model's outputs against FP32's, sample by sample and summed up: the figures that evaluation reports, and that optimization and the
// search for mixed precision decide by.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "evaluate/metrics.h"
#include "observe/calibrate.h"
#include "report/report.h"
#include "run/session.h"

namespace quantize {

// Of one sample.
struct Comparison {
  Energy energy;
  double agreement = 0;  // share of pixels with the same class
  std::size_t pixels = 0;
  Confusion confusion{2};  // of the other's classes with FP32's
  MarginLoss flips;
};

// Throws Error{verification} where the shapes differ.
Comparison compare(const Tensor& fp32, const Tensor& other, ClassAxis axis);

// Over all samples; `names` are those of the samples.
Accuracy summarize(std::span<const Comparison> comparisons, std::span<const std::string> names);

// FP32's first outputs on a fixed set of samples, kept, so that any number of candidates can be compared with them.
class Reference {
 public:
  // `load` is kept by value, `context` by reference.
  Reference(const onnx::ModelProto& fp32, LoadSample load, std::size_t samples, ClassAxis axis, const Context& context);

  [[nodiscard]] std::size_t samples() const { return outputs_.size(); }
  [[nodiscard]] const Tensor& output(std::size_t sample) const { return outputs_[sample]; }
  [[nodiscard]] ClassAxis axis() const { return axis_; }
  // Runs the candidate on every sample, several at once on one thread each.
  [[nodiscard]] Accuracy judge(const onnx::ModelProto& candidate, const SessionOptions& options = {}) const;

 private:
  LoadSample load_;
  ClassAxis axis_;
  const Context& context_;
  std::vector<Tensor> outputs_;
  std::vector<std::string> names_;
};

}  // namespace quantize
