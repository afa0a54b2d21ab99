// CALIBRATE: a prepared model and samples -> Statistics. Observer nodes of a custom operator are inserted at exactly the tensors asked for;
// they update the statistics while the model runs and keep no activation, so memory does not grow with the number of samples: one pass,
// streaming.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/model.h"
#include "model/tensor.h"
#include "observe/statistics.h"

namespace quantize {

// Where samples come from, reduced to what calibration needs: sample number -> model inputs. Called from several threads.
using LoadSample = std::function<std::vector<Tensor>(std::size_t index)>;

// Runs samples 0 .. count-1: several at once on one thread each, or one on all threads where that is faster and gives the same values on
// the first two (the result does not depend on context.threads, as far as ONNX Runtime's kernels keep to that).
// Throws Error{numeric} naming the tensor when an activation is NaN or infinite, Error{model} when the model cannot run.
Statistics calibrate(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                     const Context& context);

// The same with a look back: what was known before the last tenth of the samples, to tell whether they still changed anything.
struct Calibration {
  Statistics all;
  Statistics before_last_tenth;  // empty where there are fewer than 10 samples
};
// What is known of the same tensors of the same model already, and from which samples.
struct Seen {
  Statistics statistics;
  std::set<std::size_t> samples;
};
// Samples that were seen do not run again; none of the last tenth may be among them.
Calibration calibrate_and_compare(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                                  const Context& context, const Seen& seen = {});

}  // namespace quantize
