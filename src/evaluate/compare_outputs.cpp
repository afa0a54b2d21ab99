#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "dataset/image.h"
#include "evaluate/evaluate.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

struct ImageResult {
  Energy energy;
  double agreement = 0;
  std::size_t pixels = 0;
  MarginLoss flips;
};

void require_same_shape(const Tensor& a, const Tensor& b) {
  if (a.shape != b.shape)
    throw Error(ErrorKind::verification, "output shapes differ: FP32 " + to_string(a.shape) + ", quantized " + to_string(b.shape));
}

ClassMap label_of(const std::filesystem::path& folder, const std::string& stem) {
  Image label = read_label(folder / (stem + ".png"));
  return {label.width, label.height, std::move(label.pixels)};
}

}  // namespace

Accuracy compare_outputs(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples, ClassAxis axis,
                         const std::filesystem::path& labels, const Context& context) {
  const Session reference(fp32), other(quantized);
  std::vector<ImageResult> results(samples.size());
  std::optional<Confusion> between, truth_fp32, truth_quantized;  // counts: the order of adding does not matter
  std::mutex mutex;
  const auto progress = context.step("evaluate", samples.size());
  parallel_for(context, samples.size(), [&](std::size_t i, unsigned) {
    const Sample sample = samples.load(i);
    const Tensor a = reference.run(sample.inputs)[0], b = other.run(sample.inputs)[0];
    require_same_shape(a, b);
    const ClassMap class_a = classes_of(a, axis), class_b = classes_of(b, axis);
    results[i] = {Energy::of(float_values(a), float_values(b)), agreement(class_a, class_b), class_a.classes.size(),
                  MarginLoss::of(class_a, class_b, margins_of(a, axis))};
    const int classes = class_count(a, axis);
    Confusion here(classes), here_fp32(classes), here_quantized(classes);
    here.add(class_a, class_b);
    if (!labels.empty()) {
      const ClassMap truth = label_of(labels, sample.stem);
      here_fp32.add(truth, classes_at(a, axis, truth.width, truth.height));
      here_quantized.add(truth, classes_at(b, axis, truth.width, truth.height));
    }
    const std::lock_guard lock(mutex);
    if (!between) between = truth_fp32 = truth_quantized = Confusion(classes);
    between->add(here);
    truth_fp32->add(here_fp32);
    truth_quantized->add(here_quantized);
    progress->tick();
  });

  Accuracy accuracy;
  Energy all;
  MarginLoss flips;
  double same = 0;
  std::size_t pixels = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& [energy, share, count, loss] = results[i];
    flips.add(loss);
    accuracy.images.push_back({samples.file(i).stem, energy.psnr_db(), energy.sqnr_db(), share});
    accuracy.psnr_db += energy.psnr_db() / static_cast<double>(results.size());
    all.add(energy);
    same += share * static_cast<double>(count);
    pixels += count;
  }
  const auto worst =
      std::min_element(accuracy.images.begin(), accuracy.images.end(), [](const auto& a, const auto& b) { return a.psnr_db < b.psnr_db; });
  accuracy.psnr_db_worst = worst->psnr_db;
  accuracy.worst_image = worst->name;
  accuracy.sqnr_db = all.sqnr_db();
  accuracy.agreement = same / static_cast<double>(pixels);
  accuracy.flipped_margin = flips.share();
  accuracy.miou_vs_fp32 = between->mean_iou();
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
    parallel_for(context, count, [&](std::size_t i, unsigned) {
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
