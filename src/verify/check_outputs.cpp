#include <cmath>

#include "model/metadata.h"
#include "run/session.h"
#include "verify/verify.h"

namespace quantize {
namespace {

std::vector<std::int64_t> integers_of(const Tensor& tensor) { return int_values(to_proto("", tensor)); }

bool equal_integers(const Tensor& floats, const Tensor& integers, const std::string& scale, const std::string& zero_point) {
  const auto values = integers_of(integers);
  const auto expected = floats.as<float>();
  if (scale.empty() || zero_point.empty() || values.size() != expected.size()) return false;
  const float step = std::stof(scale);
  const std::int64_t zero = std::stoll(zero_point);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (step * static_cast<float>(values[i] - zero) != expected[i]) return false;
  }
  return true;
}

bool equal_classes(const Tensor& logits, const Tensor& classes, std::optional<int> class_axis) {
  Shape scores = logits.shape;
  if (!class_axis) scores.push_back(1);  // one plane of scores
  const auto axis = class_axis ? static_cast<std::size_t>(*class_axis) : scores.size() - 1;
  if (axis >= scores.size()) return false;
  Shape shape = scores;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  if (classes.shape != shape) return false;
  const auto channels = static_cast<std::size_t>(scores[axis]);
  const auto inner = static_cast<std::size_t>(element_count(std::span(scores).subspan(axis + 1)));
  const auto values = logits.as<float>();
  const auto given = integers_of(classes);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::size_t first = i / inner * inner * channels + i % inner;
    std::size_t best = channels == 1 && values[first] > 0.5F ? 1 : 0;
    for (std::size_t c = 1; c < channels; ++c) {
      if (values[first + c * inner] > values[first + best * inner]) best = c;
    }
    if (given[i] != static_cast<std::int64_t>(best)) return false;
  }
  return true;
}

}  // namespace

Issues check_outputs(const onnx::ModelProto& with_floats, const onnx::ModelProto& written, std::optional<int> class_axis,
                     std::span<const Tensor> inputs) {
  const Session a(with_floats), b(written);
  const auto before = a.run(inputs), after = b.run(inputs);
  Issues issues;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string& name = a.outputs()[i].name;
    const std::string scale = metadata(written, "quantize.scale." + name).value_or("");
    const bool same_type = before[i].type == after[i].type;
    const bool good = same_type ? before[i].shape == after[i].shape && before[i].bytes == after[i].bytes
                      : scale.empty()
                          ? equal_classes(before[i], after[i], class_axis)
                          : equal_integers(before[i], after[i], scale, metadata(written, "quantize.zero_point." + name).value_or(""));
    if (!good) issues.push_back("output '" + name + "' of type " + type_name(after[i].type) + " is not what the float output says");
  }
  return issues;
}

}  // namespace quantize
