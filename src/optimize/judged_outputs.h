// What a network is judged by: its outputs in floating point. Class numbers and masks do not say how near they were to being others: where
// there is nothing else, the scores that they are chosen by are judged in their place.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/model.h"

namespace quantize {

// The tensors in floating point that the outputs are chosen by, once each, as they are before a Resize. Empty where an output is in
// floating point itself, or no such tensor is found.
std::vector<std::string> scores_behind_outputs(const onnx::ModelProto& model);

// The model with `tensors` in place of its outputs.
Model with_outputs_replaced(const Model& model, std::span<const std::string> tensors);

// How many of the judged outputs, of these sizes in bytes, from the first on: FP32's for all samples take a quarter of the working memory
// at most, or are those of the first alone. Of deep supervision at full size the mask is judged alone.
std::size_t outputs_that_fit(std::span<const std::size_t> bytes, std::size_t samples, const Context& context);

// How many of `wanted` samples can be judged by with half of the working memory; `least` in any case. All where sizes depend on the input.
std::size_t judged_that_fit(const onnx::ModelProto& model, std::size_t wanted, std::size_t least, const Context& context);

// Bytes that judging by so many samples takes, besides runs of the model: FP32's outputs, and those of runs. 0 where sizes depend on the
// input.
std::size_t judge_bytes(const onnx::ModelProto& model, std::size_t samples, const Context& context);

}  // namespace quantize
