// EVALUATE: FP32 model + quantized model + held-out samples -> figures. Reads models, changes nothing.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "evaluate/mask.h"
#include "evaluate/metrics.h"
#include "model/model.h"
#include "report/report.h"
#include "run/session.h"

namespace quantize {

// Runs both models on every sample, several samples at once on one thread each; the quantized one with `options`. Throws Error{data} when a
// label is missing or unreadable, Error{verification} when the shapes of first outputs differ that the models fix. Where both leave free
// how much was found, samples whose first outputs differ in that or are empty are left out.
Accuracy compare_outputs(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples, ClassAxis axis,
                         const Labels& labels, const SessionOptions& options, const Context& context);

// One tensor of the FP32 graph and what carries the same values in the quantized one.
struct TensorPair {
  std::string node, op_type, fp32, quantized;
};
// Of each tensor and sample, where it has more: enough for a ratio of energies to a tenth of a decibel.
constexpr std::int64_t values_compared = 1 << 15;
// SQNR of each pair over the first `limit` samples, worst first; of large tensors over a part of their values.
std::vector<LayerAccuracy> compare_layers(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized,
                                          std::span<const TensorPair> pairs, const SampleSource& samples, std::size_t limit,
                                          const SessionOptions& options, const Context& context);

// Milliseconds of two models run in turn: one run of each after the other, so that a noisy machine hits both. A few runs to warm up do not
// count; the others tick.
struct TimesInTurn {
  std::vector<double> first, second;
};
TimesInTurn time_in_turn(const Session& first, std::span<const Tensor> first_inputs, const Session& second,
                         std::span<const Tensor> second_inputs, int runs, const Context& context, Progress& progress);
double median(const std::vector<double>& values);

// Both models in turn, each on its form of the same sample, ONNX Runtime's default optimisations.
Latency measure_latency(const std::filesystem::path& fp32, std::span<const Tensor> fp32_inputs, const std::filesystem::path& quantized,
                        std::span<const Tensor> quantized_inputs, int runs, unsigned threads, const Context& context);

// Loads the model, runs it twice on zeros of the given input shapes, and returns the peak resident memory of this process in bytes: the
// work of a process of its own, started by peak_memory_of().
std::uint64_t run_for_memory(const std::filesystem::path& model, const std::vector<Shape>& shapes);
// Runs `command` and returns the number it prints; nothing when it fails.
std::optional<std::uint64_t> peak_memory_of(const std::vector<std::string>& command);

// Bytes per kind of content of both models.
std::vector<SizeOfKind> sizes_by_kind(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized);

// For the report: the samples with these numbers as picture, overlays and difference, at the pictures' own size but at most 1024 pixels a
// side. Samples that are no pictures are left out.
std::vector<ComparedPicture> compare_pictures(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples,
                                              std::span<const std::size_t> numbers, ClassAxis axis, const Accuracy& accuracy,
                                              const SessionOptions& options, const Context& context);

}  // namespace quantize
