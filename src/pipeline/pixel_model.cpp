#include "pipeline/pixel_model.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "encode/exclusions.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/metadata.h"
#include "prepare/pixel_input.h"
#include "run/session.h"

namespace quantize {
namespace {

// The largest difference that float rounding explains, relative to the output's magnitude.
constexpr float same_function = 1e-4F;

bool same(const Tensor& expected, const Tensor& got) {
  if (expected.type != onnx::TensorProto::FLOAT) return true;
  const auto a = expected.as<float>(), b = got.as<float>();
  if (a.size() != b.size()) return false;
  float most = 0, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::fabs(a[i]));
    difference = std::max(difference, std::fabs(a[i] - b[i]));
  }
  return difference <= same_function * most;
}

std::string key_of_pixels(const onnx::ModelProto& model) { return "quantize.pixels." + fed_inputs(model.graph())[0]->name(); }

std::string arithmetic_of(const Preprocess& preprocess) {
  std::ostringstream text;
  text << "scale " << preprocess.scale << ", mean";
  for (const float value : preprocess.mean) text << ' ' << value;
  text << ", std";
  for (const float value : preprocess.std) text << ' ' << value;
  text << ", " << to_string(preprocess.color);
  return text.str();
}

}  // namespace

std::optional<std::string> made_of_pixels(const onnx::ModelProto& model) { return metadata(model, key_of_pixels(model)); }

std::vector<InputSpec> take_pixels_as_asked(Model& model, std::vector<InputSpec> inputs, const Options& options) {
  const bool camera = options.input_type == InputType::camera;
  take_pixels(model, options.preprocess, camera ? Layout::nhwc : Layout::automatic);
  inputs[0].type = onnx::TensorProto::UINT8;
  auto& shape = inputs[0].shape;
  if (camera && !channels_last(shape, options.preprocess.layout)) std::rotate(shape.end() - 3, shape.end() - 2, shape.end());
  add_metadata(model.proto, key_of_pixels(model.proto), arithmetic_of(options.preprocess));
  return inputs;
}

Preprocess fed_preprocess(const Options& options) {
  if (options.input_type == InputType::floats) return options.preprocess;
  Preprocess preprocess = pixels_of(options.preprocess);
  if (options.input_type == InputType::camera) preprocess.layout = Layout::nhwc;
  return preprocess;
}

void check_pixel_model(const Model& pixel_model, const SampleSource& samples, const std::vector<InputSpec>& file_inputs,
                       const Options& options) {
  const Session floats(load_model(options.model).proto), pixels(pixel_model.proto);
  const auto as_floats = samples.with_inputs(file_inputs, options.preprocess);
  for (const std::size_t i : {std::size_t{0}, samples.size() / 2}) {
    const auto expected = floats.run(as_floats.load(i).inputs), got = pixels.run(samples.load(i).inputs);
    if (!std::equal(expected.begin(), expected.end(), got.begin(), got.end(), same))
      throw Error(ErrorKind::verification, "the model that takes pixels does not compute what " + options.model.string() + " does");
  }
}

std::optional<Model> rounded_to_pixels(const Model& prepared, std::span<const std::vector<Tensor>> inputs, const Options& options) {
  auto rounded = round_to_pixels(prepared, options.preprocess, excludes(options.exclusions));
  if (!rounded) return std::nullopt;
  const std::string &input = fed_inputs(prepared.graph())[0]->name(), &output = rounded->output;
  const Session before(extract(prepared.proto, {&input, 1}, {&output, 1})), after(extract(rounded->model.proto, {&input, 1}, {&output, 1}));
  const bool on_grid = std::ranges::all_of(inputs, [&](const auto& sample) { return same(before.run(sample)[0], after.run(sample)[0]); });
  return on_grid ? std::optional(std::move(rounded->model)) : std::nullopt;
}

}  // namespace quantize
