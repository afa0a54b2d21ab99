// Where NaN or infinity first appears when a model runs: for an error that names the place rather than the output it ends up in.
#pragma once

#include <span>
#include <string>

#include "base/context.h"
#include "base/error.h"
#include "dataset/sample_source.h"
#include "model/model.h"
#include "model/tensor.h"

namespace quantize {

// "tensor 't', which Log 'log' makes"; empty where every tensor is finite or the model cannot be looked into.
std::string first_nonfinite(const Model& model, std::span<const Tensor> inputs);

// The stem of the first sample for which one of these tensors is not finite; empty where there is none, or they cannot be looked at.
std::string first_nonfinite_sample(const Model& model, std::span<const std::string> tensors, const SampleSource& samples,
                                   const Context& context);

// Who observes tensors does not know the samples' names; the user wants to know which one to look at: an Error{numeric} of `work` gets it
// from `first_sample`, which gives its stem.
template <typename Work, typename FirstSample>
auto naming_nonfinite_sample(const Work& work, const FirstSample& first_sample) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;
    const std::string stem = first_sample();
    if (stem.empty()) throw;
    throw Error(error.kind(), std::string(error.what()) + "; the first is '" + stem + "'");
  }
}

}  // namespace quantize
