#include <algorithm>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "dataset/image.h"
#include "evaluate/comparison.h"
#include "evaluate/evaluate.h"
#include "evaluate/mask.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

// A model that tells of parts of some tensors.
class Tapped {
 public:
  Tapped(const onnx::ModelProto& model, std::span<const TensorPair> pairs, std::string TensorPair::*which, const SessionOptions& options) {
    const SampledModel sampled = with_sampled_outputs(model, names(pairs, which), values_compared);
    session_.emplace(sampled.model, options);
    const auto& outputs = session_->outputs();
    for (const auto& output : sampled.outputs)
      places_.push_back(static_cast<std::size_t>(std::ranges::find(outputs, output, &ValueSpec::name) - outputs.begin()));
  }

  [[nodiscard]] std::vector<std::vector<float>> run(std::span<const Tensor> inputs) const {
    const auto outputs = session_->run(inputs);
    std::vector<std::vector<float>> values;
    for (const std::size_t place : places_) values.push_back(float_values(outputs[place]));
    return values;
  }

 private:
  static std::vector<std::string> names(std::span<const TensorPair> pairs, std::string TensorPair::*which) {
    std::vector<std::string> result;
    for (const auto& pair : pairs) result.push_back(pair.*which);
    return result;
  }

  std::optional<Session> session_;
  std::vector<std::size_t> places_;
};

// What becomes of the outputs behind the first.
class OtherOutputs {
 public:
  OtherOutputs(const Session& fp32, std::size_t samples) : energies_(samples) {
    for (std::size_t k = 1; k < fp32.outputs().size(); ++k) names_.push_back(fp32.outputs()[k].name);
  }

  // Several threads may each add another sample. What is no number, or was made another type or shape, does not count.
  void add(std::size_t sample, std::span<const Tensor> fp32, std::span<const Tensor> other) {
    auto& energies = energies_[sample];
    energies.resize(names_.size());
    for (std::size_t k = 0; k < names_.size() && k + 1 < other.size(); ++k) {
      const Tensor &a = fp32[k + 1], &b = other[k + 1];
      if (is_float(a.type) && is_float(b.type) && a.shape == b.shape) energies[k] = Energy::of(float_values(a), float_values(b));
    }
  }

  [[nodiscard]] std::vector<OutputAccuracy> summarize() const {
    std::vector<OutputAccuracy> outputs;
    for (std::size_t k = 0; k < names_.size(); ++k) {
      Energy all;
      for (const auto& energies : energies_) all.add(energies[k]);
      if (all.count > 0) outputs.push_back({names_[k], all.sqnr_db()});
    }
    return outputs;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<Energy>> energies_;  // [sample][output]
};

}  // namespace

Accuracy compare_outputs(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples, ClassAxis axis,
                         const Labels& labels, const SessionOptions& options, const Context& context) {
  const Session reference(fp32), other(quantized, options);
  const FreeSizes sizes(reference, other);
  Comparisons results(samples.size());
  OtherOutputs others(reference, samples.size());
  LabelScore by_labels(labels.classes, axis), other_by_labels(labels.classes, axis);
  std::vector<std::string> names(samples.size());
  const auto progress = context.step("evaluate", samples.size());
  parallel_for_samples(context, samples.size(), [&](std::size_t i, unsigned) {
    const Sample sample = samples.load(i);
    const auto all_a = reference.run(sample.inputs), all_b = other.run(sample.inputs);
    const Tensor &a = all_a[0], &b = all_b[0];
    names[i] = sample.stem;
    others.add(i, all_a, all_b);
    if (sizes.cannot_compare(a, b)) {
      results.leave_out(i);
    } else {
      results.add(i, a, b, axis);
      if (!labels.folder.empty()) {
        const Image label = read_label(label_path(labels.folder, sample.stem));
        const Frame frame = frame_of(samples, i, sample);
        by_labels.add(label, a, frame);
        other_by_labels.add(label, b, frame);
      }
    }
    progress->tick();
  });
  Accuracy accuracy = results.summarize(names);
  accuracy.other_outputs = others.summarize();
  if (!labels.folder.empty()) {
    accuracy.labels = by_labels.pixels();
    accuracy.miou_fp32 = by_labels.mean_iou();
    accuracy.miou_quantized = other_by_labels.mean_iou();
    accuracy.miou_one_class = by_labels.one_class_iou();
  }
  return accuracy;
}

std::vector<LayerAccuracy> compare_layers(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized,
                                          std::span<const TensorPair> pairs, const SampleSource& samples, std::size_t limit,
                                          const SessionOptions& options, const Context& context) {
  if (pairs.empty()) return {};
  const std::size_t count = std::min(limit, samples.size());
  std::vector<std::vector<Energy>> energies(pairs.size(), std::vector<Energy>(count));
  const auto progress = context.step("compare layers", count);
  const Tapped reference(fp32, pairs, &TensorPair::fp32, {}), other(quantized, pairs, &TensorPair::quantized, options);
  parallel_for_samples(context, count, [&](std::size_t i, unsigned) {
    const auto inputs = samples.load(i).inputs;
    const auto a = reference.run(inputs), b = other.run(inputs);
    for (std::size_t k = 0; k < pairs.size(); ++k) energies[k][i] = Energy::of(a[k], b[k]);
    progress->tick();
  });
  std::vector<LayerAccuracy> layers;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    Energy all;
    for (const auto& energy : energies[k]) all.add(energy);
    layers.push_back({pairs[k].node, pairs[k].op_type, pairs[k].fp32, all.sqnr_db()});
  }
  std::ranges::stable_sort(layers, is_worse_db, &LayerAccuracy::sqnr_db);
  return layers;
}

}  // namespace quantize
