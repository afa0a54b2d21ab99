#include <algorithm>
#include <mutex>

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

}  // namespace

Accuracy compare_outputs(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples, ClassAxis axis,
                         const std::filesystem::path& labels, const Context& context) {
  const Session reference(fp32), other(quantized);
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

std::vector<LayerAccuracy> compare_layers(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized,
                                          std::span<const TensorPair> pairs, const SampleSource& samples, std::size_t limit,
                                          const Context& context) {
  constexpr std::size_t at_a_time = 16;
  const std::size_t count = std::min(limit, samples.size());
  std::vector<std::vector<Energy>> energies(pairs.size(), std::vector<Energy>(count));
  const auto progress = context.step("compare layers", (pairs.size() + at_a_time - 1) / at_a_time * count);
  for (std::size_t begin = 0; begin < pairs.size(); begin += at_a_time) {
    const auto part = pairs.subspan(begin, std::min(at_a_time, pairs.size() - begin));
    std::vector<std::string> names_a, names_b;
    for (const auto& pair : part) {
      names_a.push_back(pair.fp32);
      names_b.push_back(pair.quantized);
    }
    const Session a(with_outputs(fp32, names_a)), b(with_outputs(quantized, names_b));
    const auto position = [](const Session& session, const std::string& name) {
      const auto& outputs = session.outputs();
      return static_cast<std::size_t>(std::find_if(outputs.begin(), outputs.end(), [&](const auto& spec) { return spec.name == name; }) -
                                      outputs.begin());
    };
    parallel_for_samples(context, count, [&](std::size_t i, unsigned) {
      const Sample sample = samples.load(i);
      const auto values_a = a.run(sample.inputs), values_b = b.run(sample.inputs);
      for (std::size_t k = 0; k < part.size(); ++k) {
        energies[begin + k][i] =
            Energy::of(float_values(values_a[position(a, part[k].fp32)]), float_values(values_b[position(b, part[k].quantized)]));
      }
      progress->tick();
    });
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
