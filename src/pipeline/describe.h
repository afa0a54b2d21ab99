// Turns what the stations decided into the Report's and the terminal's terms.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "evaluate/evaluate.h"
#include "observe/statistics.h"
#include "optimize/optimize.h"
#include "pipeline/options.h"
#include "report/report.h"

namespace quantize {

// Versions, models, sizes by kind. `samples` are of the data that the model is fed.
Report describe_models(const Options& options, const Model& fp32, const Model& quantized, const SampleSource& samples);
// The same of a model that this run made, `file` until it is published, with the decisions: everything known before evaluation.
Report describe_run(const Options& options, const Model& original, const Model& quantized, const std::filesystem::path& file,
                    const Plan& plan, const SampleSource& samples);

// What is decided for every node of the plan, in execution order.
std::vector<NodeDecision> node_decisions(const Plan& plan);

// For --dry-run: one line per node, the totals, and the size the weights will have.
std::string describe_plan(const Model& original, const Plan& plan, const Target& target, const Scheme& scheme);

// The quantized tensors whose values both graphs compute.
std::vector<TensorPair> tensor_pairs(const Plan& plan, const Model& quantized);

// Histogram, range and method of the `count` worst of `layers` that calibration observed.
std::vector<TensorHistogram> worst_histograms(std::span<const LayerAccuracy> layers, const Plan& plan, const Statistics& statistics,
                                              std::size_t count);

// Numbers of the images to show, of those that were compared: the worst first, then evenly spread ones.
std::vector<std::size_t> pictures_to_show(const Accuracy& accuracy, int count);

std::optional<Memory> measure_memory(const std::vector<std::string>& command, const std::filesystem::path& fp32,
                                     std::span<const Tensor> fp32_inputs, const std::filesystem::path& quantized,
                                     std::span<const Tensor> quantized_inputs);

}  // namespace quantize
