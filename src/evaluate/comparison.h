// A model's outputs against FP32's, sample by sample and summed up: the figures that evaluation reports, and that optimization and the
// search for mixed precision decide by.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "evaluate/confusion.h"
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
  MarginLoss flips;
  bool compared = true;
};

// Of a set of samples: the figures of each, and one table of which classes were taken for which. Memory grows by the figures only, not by
// a table a sample, which is half a megabyte for outputs that are classes.
class Comparisons {
 public:
  explicit Comparisons(std::size_t samples = 0);

  // The first outputs for this sample; several threads may each add another sample. Throws Error{verification} where the shapes differ.
  void add(std::size_t sample, const Tensor& fp32, const Tensor& other, ClassAxis axis);
  // In place of that: a sample whose outputs cannot be compared. It is named among the images, and no figure counts it.
  void leave_out(std::size_t sample) { each_[sample].compared = false; }

  [[nodiscard]] std::size_t size() const { return each_.size(); }
  [[nodiscard]] Comparison& operator[](std::size_t sample) { return each_[sample]; }
  [[nodiscard]] const Comparison& operator[](std::size_t sample) const { return each_[sample]; }
  // Over all samples, of which every one was added or left out; `names` are those of the samples. No images where all were left out.
  [[nodiscard]] Accuracy summarize(std::span<const std::string> names) const;

 private:
  std::vector<Comparison> each_;
  std::unique_ptr<std::mutex> mutex_;   // of what follows
  bool only_classes_ = false;           // the outputs are of integers
  std::optional<Confusion> confusion_;  // counts: the order of adding does not matter
};

// Two models whose first outputs may list what was found: how much that is depends on the values, may differ between the two, and may be
// nothing. Only a dimension that both leave free is such a number, and never height or width of a picture, which follow from the input's.
class FreeSizes {
 public:
  FreeSizes(const Session& fp32, const Session& other);
  [[nodiscard]] bool cannot_compare(const Tensor& fp32, const Tensor& other) const;

 private:
  [[nodiscard]] bool may_vary(std::size_t dimension, std::size_t dimensions) const;
  Shape fp32_, other_;  // as declared
};

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
