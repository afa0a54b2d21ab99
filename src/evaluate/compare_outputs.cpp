#include <algorithm>
#include <mutex>
#include <numeric>

#include "base/parallel.h"
#include "dataset/image.h"
#include "evaluate/comparison.h"
#include "evaluate/evaluate.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

ClassMap label_of(const std::filesystem::path& folder, const std::string& stem) {
  Image label = read_label(folder / (stem + ".png"));
  return {label.width, label.height, std::move(label.pixels)};
}

constexpr std::size_t first_pairs = 4;  // compared in one run, before it is known how large they are

// Both models with some pairs of tensors as outputs.
class PairRuns {
 public:
  PairRuns(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SessionOptions& options,
           std::span<const TensorPair> pairs)
      : fp32_(with_outputs(fp32, names(pairs, &TensorPair::fp32))),
        quantized_(with_outputs(quantized, names(pairs, &TensorPair::quantized)), options) {
    for (const auto& pair : pairs) places_.emplace_back(place(fp32_, pair.fp32), place(quantized_, pair.quantized));
  }

  // The errors of one sample; returns the bytes of both models' tensors.
  std::size_t compare(std::span<const Tensor> inputs, std::size_t sample, std::span<std::vector<Energy>> energies) const {
    const auto a = fp32_.run(inputs), b = quantized_.run(inputs);
    std::size_t bytes = 0;
    for (std::size_t k = 0; k < places_.size(); ++k) {
      const auto &exact = a[places_[k].first], &other = b[places_[k].second];
      energies[k][sample] = Energy::of(float_values(exact), float_values(other));
      bytes += exact.bytes.size() + other.bytes.size();
    }
    return bytes;
  }

 private:
  static std::vector<std::string> names(std::span<const TensorPair> pairs, std::string TensorPair::*which) {
    std::vector<std::string> result;
    for (const auto& pair : pairs) result.push_back(pair.*which);
    return result;
  }
  static std::size_t place(const Session& session, const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(session.outputs(), name, &ValueSpec::name) - session.outputs().begin());
  }

  Session fp32_, quantized_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;
};

}  // namespace

Accuracy compare_outputs(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples, ClassAxis axis,
                         const std::filesystem::path& labels, const SessionOptions& options, const Context& context) {
  const Session reference(fp32), other(quantized, options);
  std::vector<Comparison> results(samples.size());
  std::vector<std::string> names(samples.size());
  std::optional<Confusion> truth_fp32, truth_quantized;  // counts: the order of adding does not matter
  std::mutex mutex;
  const auto progress = context.step("evaluate", samples.size());
  parallel_for_samples(context, samples.size(), [&](std::size_t i, unsigned) {
    const Sample sample = samples.load(i);
    const Tensor a = reference.run(sample.inputs)[0], b = other.run(sample.inputs)[0];
    results[i] = compare(a, b, axis);
    names[i] = sample.stem;
    progress->tick();
    if (labels.empty()) return;
    const ClassMap truth = label_of(labels, sample.stem);
    Confusion here_fp32(class_count(a, axis)), here_quantized(class_count(a, axis));
    here_fp32.add(truth, classes_at(a, axis, truth.width, truth.height));
    here_quantized.add(truth, classes_at(b, axis, truth.width, truth.height));
    const std::lock_guard lock(mutex);
    if (!truth_fp32) truth_fp32 = truth_quantized = Confusion(class_count(a, axis));
    truth_fp32->add(here_fp32);
    truth_quantized->add(here_quantized);
  });
  Accuracy accuracy = summarize(results, names);
  if (!labels.empty()) {
    accuracy.miou_fp32 = truth_fp32->mean_iou();
    accuracy.miou_quantized = truth_quantized->mean_iou();
  }
  return accuracy;
}

std::size_t layers_at_once(const Context& context) { return context.working_memory / 3; }

std::vector<LayerAccuracy> compare_layers(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized,
                                          std::span<const TensorPair> pairs, const SampleSource& samples, std::size_t limit,
                                          const SessionOptions& options, const Context& context) {
  const std::size_t count = std::min(limit, samples.size());
  std::vector<std::vector<Energy>> energies(pairs.size(), std::vector<Energy>(count));
  const auto progress = context.step("compare layers", pairs.size());
  std::size_t at_a_time = first_pairs;
  for (std::size_t begin = 0; begin < pairs.size();) {
    const auto part = pairs.subspan(begin, std::min(at_a_time, pairs.size() - begin));
    const PairRuns runs(fp32, quantized, options, part);
    std::vector<std::size_t> bytes(count);
    parallel_for_samples(context, count, [&](std::size_t i, unsigned) {
      bytes[i] = runs.compare(samples.load(i).inputs, i, std::span(energies).subspan(begin, part.size()));
    });
    for (std::size_t k = 0; k < part.size(); ++k) progress->tick();
    begin += part.size();
    const std::size_t most = std::accumulate(bytes.begin(), bytes.end(), std::size_t{1}, [](auto a, auto b) { return std::max(a, b); });
    at_a_time = std::max<std::size_t>(1, layers_at_once(context) / context.samples_at_once() * part.size() / most);
  }
  std::vector<LayerAccuracy> layers;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    Energy all;
    for (const auto& energy : energies[k]) all.add(energy);
    layers.push_back({pairs[k].node, pairs[k].op_type, pairs[k].fp32, all.sqnr_db()});
  }
  std::stable_sort(layers.begin(), layers.end(), [](const auto& a, const auto& b) { return a.sqnr_db < b.sqnr_db; });
  return layers;
}

}  // namespace quantize
