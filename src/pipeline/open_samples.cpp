#include "pipeline/open_samples.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "dataset/npy.h"
#include "model/graph.h"

namespace quantize {
namespace {

// What large pictures are kept in, as the model is shown them, so that they are not decoded in every pass.
constexpr std::size_t most_shown = std::size_t{64} << 20;

void refuse_too_few_to_divide(const SampleSource& calibration, const Options& options) {
  if (calibration.size() > 1) return;
  throw Error(ErrorKind::data, "without --test, some of " + options.calibration.string() +
                                   " are kept to evaluate on, and it gives only 1 sample: give test images with --test DIR, or more to "
                                   "calibrate on");
}

// One line for all of them: a folder may hold thousands.
void tell_passed_over(const SampleSource& all, const std::filesystem::path& folder, const Options& options, Context& context) {
  const auto& files = all.passed_over();
  if (files.empty()) return;
  if (options.strict) throw Error(ErrorKind::data, files.front());
  const std::string more = files.size() == 1 ? "" : std::to_string(files.size()) + " files in " + folder.string() + ", the first: ";
  context.warn("skipped " + more + files.front());
}

// A tensor's file may hold a whole batch; one of 1 that is repeated to the model's batch stays one item, as a picture does.
std::size_t items_per_file(const SampleSource& source) {
  if (source.size() == 0 || source.holds_pictures()) return 1;
  const Shape held = read_npy(source.file(0).files[0]).shape;
  return held.size() == source.inputs()[0].shape.size() && !held.empty() ? static_cast<std::size_t>(std::max<std::int64_t>(1, held[0])) : 1;
}

// Not where --samples asked for as few, or where --reach has nothing to divide and is refused.
void warn_of_few(const SampleSource& usable, const Options& options, Context& context) {
  constexpr std::size_t few = 5;
  if (usable.size() >= few || usable.is_random() || options.samples < few) return;
  if (usable.size() < 2 && !options.goals.empty()) return;
  const std::size_t items = usable.size() * items_per_file(usable);
  if (items >= few) return;
  context.warn(options.calibration.string() + " gives only " + std::to_string(items) + (items == 1 ? " sample" : " samples") +
               " to calibrate on: ranges from so few may clip what other pictures hold; a few dozen are better");
}

// By the bytes of the files, whatever they are called. Files of other lengths need not be read for that.
class SeenFiles {
 public:
  explicit SeenFiles(const SampleSource& source) {
    for (std::size_t i = 0; i < source.size(); ++i) by_length_[length(source.file(i))].push_back(&source.file(i));
  }

  [[nodiscard]] bool hold(const SampleFile& item) {
    const auto found = by_length_.find(length(item));
    if (found == by_length_.end()) return false;
    for (const auto* one : found->second) {
      if (content(*one) == content(item)) return true;
    }
    return false;
  }

 private:
  static std::uintmax_t length(const SampleFile& item) {
    std::uintmax_t sum = 0;
    std::error_code code;
    for (const auto& file : item.files) sum += std::filesystem::file_size(file, code);
    return sum;
  }
  const std::string& content(const SampleFile& item) {
    auto& known = content_[item.files.front()];
    if (known.empty()) {
      for (const auto& file : item.files) known += fingerprint(read_file(file));
    }
    return known;
  }

  std::map<std::uintmax_t, std::vector<const SampleFile*>> by_length_;
  std::map<std::filesystem::path, std::string> content_;
};

// Figures on pictures that the ranges were made from, and the weights were fitted on, are not those of others.
void warn_of_seen(const Samples& samples, Context& context) {
  if (samples.calibration.size() == 0 || samples.calibration.is_random() || samples.test.is_random()) return;
  SeenFiles seen(samples.calibration);
  std::vector<std::string> same;
  for (std::size_t i = 0; i < samples.test.size(); ++i) {
    context.check_stop();
    if (seen.hold(samples.test.file(i))) same.push_back(samples.test.file(i).stem);
  }
  if (same.empty()) return;
  context.warn(std::to_string(same.size()) + " of the " + std::to_string(samples.test.size()) +
               " test images are calibrated on as well, the first: '" + same.front() +
               "'; the figures are likely to be better than on new ones");
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
  // Under a limit the memory is for the model.
  std::size_t shown = options.memory_limit > 0 ? 0 : most_shown;
  const auto usable = [&](const std::filesystem::path& folder, std::size_t limit, std::vector<std::string>& skipped) {
    const auto all = SampleSource::open(folder, inputs, preprocess, options.seed);
    if (all.is_random()) context.warn("random data instead of images: ranges and accuracy say little about real ones; not for use");
    tell_passed_over(all, folder, options, context);
    skipped = all.passed_over();
    return all.evenly(limit).readable(
        [&](const std::string& reason) {
          if (options.strict) throw Error(ErrorKind::data, reason);
          context.warn("skipped " + reason);
          skipped.push_back(reason);
        },
        context, room, shown);
  };
  if (!options.calibration.empty()) {
    samples.calibration = usable(options.calibration, options.samples, samples.skipped);
    shown -= samples.calibration.shown_bytes();
  }
  if (!options.test.empty()) {
    samples.test = usable(options.test, everything, samples.skipped_tests);
    warn_of_seen(samples, context);
  } else if (samples.calibration.size() > 0) {
    refuse_too_few_to_divide(samples.calibration, options);
    std::tie(samples.calibration, samples.test) = samples.calibration.hold_out(options.holdout);
  }
  if (!options.calibration.empty()) warn_of_few(samples.calibration, options, context);  // those held out do not calibrate
  if (!options.labels.empty()) samples.label_values = check_labels(samples.test, options.labels, context);
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
