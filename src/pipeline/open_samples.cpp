#include "pipeline/open_samples.h"

#include <cmath>
#include <random>
#include <tuple>

#include "base/error.h"
#include "dataset/image.h"
#include "model/graph.h"

namespace quantize {
namespace {

// Said before the run, not where the first of them is read.
void refuse_missing_labels(const SampleSource& test, const std::filesystem::path& folder) {
  std::error_code code;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const auto label = label_path(folder, test.file(i).stem);
    if (!std::filesystem::exists(label, code))
      throw Error(ErrorKind::data, "there is no label " + label.string() + " for the test image '" + test.file(i).stem + "'");
  }
}

void refuse_too_few_to_divide(const SampleSource& calibration, const Options& options) {
  if (calibration.size() > 1) return;
  throw Error(ErrorKind::data, "without --test, some of " + options.calibration.string() +
                                   " are kept to evaluate on, and it gives only 1 sample: give test images with --test DIR, or more to "
                                   "calibrate on");
}

}  // namespace

std::vector<InputSpec> input_specs(const onnx::GraphProto& graph, const Shape& first_shape) {
  std::vector<InputSpec> specs;
  for (const auto* input : fed_inputs(graph)) {
    const auto& type = input->type().tensor_type();
    specs.push_back({input->name(), static_cast<ElementType>(type.elem_type()), shape_of(type.shape())});
  }
  if (specs.empty()) throw Error(ErrorKind::model, "the model has no input");
  if (first_shape.empty()) return specs;
  auto& shape = specs[0].shape;
  if (shape.size() != first_shape.size()) {
    throw Error(ErrorKind::usage, "--input-shape " + to_string(first_shape) + " does not fit the model's input " + to_string(shape));
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0 && shape[i] != first_shape[i]) {
      throw Error(ErrorKind::usage, "--input-shape " + to_string(first_shape) + " contradicts the model's input " + to_string(shape));
    }
    shape[i] = first_shape[i];
  }
  return specs;
}

Samples open_samples(const Options& options, const std::vector<InputSpec>& inputs, const Preprocess& preprocess, Context& context) {
  Samples samples;
  const auto everything = static_cast<std::size_t>(-1);
  const std::size_t room = options.memory_limit > 0 ? options.memory_limit / 2 : everything;  // the rest is for the model
  const auto usable = [&](const std::filesystem::path& folder, std::size_t limit, std::vector<std::string>& skipped) {
    const auto all = SampleSource::open(folder, inputs, preprocess, options.seed);
    if (all.is_random()) context.warn("random data instead of images: ranges and accuracy say little about real ones; not for use");
    return all.evenly(limit).readable(
        [&](const std::string& reason) {
          if (options.strict) throw Error(ErrorKind::data, reason);
          context.warn("skipped " + reason);
          skipped.push_back(reason);
        },
        context, room);
  };
  if (!options.calibration.empty()) samples.calibration = usable(options.calibration, options.samples, samples.skipped);
  if (!options.test.empty()) {
    samples.test = usable(options.test, everything, samples.skipped_tests);
  } else if (samples.calibration.size() > 0) {
    refuse_too_few_to_divide(samples.calibration, options);
    std::tie(samples.calibration, samples.test) = samples.calibration.hold_out(options.holdout);
  }
  if (!options.labels.empty()) refuse_missing_labels(samples.test, options.labels);
  return samples;
}

std::vector<std::vector<Tensor>> probe_inputs(const SampleSource& images, const std::vector<InputSpec>& inputs,
                                              const std::vector<std::size_t>& samples) {
  if (images.size() > 0) {
    std::vector<std::vector<Tensor>> sets;
    for (const std::size_t sample : samples) sets.push_back(images.load(sample).inputs);
    return sets;
  }
  std::mt19937 random;
  std::vector<Tensor> noise;
  for (const auto& input : inputs) {
    Shape shape = input.shape;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] < 0 && i > 0)
        throw Error(ErrorKind::usage, "the model's input " + to_string(shape) + " has free dimensions: give --input-shape");
      shape[i] = shape[i] < 0 ? 1 : shape[i];
    }
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    for (auto& value : values) value = std::ldexp(static_cast<float>(random() >> 8), -23) - 1;
    noise.push_back(input.type == onnx::TensorProto::FLOAT ? Tensor::of(shape, values) : Tensor::zeros(input.type, shape));
  }
  return {noise};
}

BothForms sample_in_both_forms(const SampleSource& images, const std::vector<InputSpec>& file_inputs, const Preprocess& file_preprocess,
                               const std::vector<InputSpec>& fed_inputs) {
  const auto as_file = images.size() > 0 ? images.with_inputs(file_inputs, file_preprocess) : images;
  return {probe_inputs(as_file, file_inputs)[0], probe_inputs(images, fed_inputs)[0]};
}

}  // namespace quantize
