#include "support/run_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "model/graph.h"
#include "run/session.h"

namespace quantize::test {
namespace {

Tensor random_tensor(const onnx::ValueInfoProto& input, std::mt19937& generator) {
  const auto& declared = input.type().tensor_type();
  Shape shape;
  for (const auto& dimension : declared.shape().dim()) shape.push_back(dimension.has_dim_value() ? dimension.dim_value() : 2);
  const auto type = static_cast<ElementType>(declared.elem_type());
  const auto count = static_cast<std::size_t>(element_count(shape));
  const bool is_float = type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE || type == onnx::TensorProto::FLOAT16;
  if (is_float) {
    std::vector<float> values(count);
    for (auto& value : values) value = 4 * (static_cast<float>(generator() >> 8) / static_cast<float>(1 << 24)) - 2;
    const auto proto = make_float_tensor("", shape, type, values);
    return from_proto(proto);
  }
  Tensor tensor = Tensor::zeros(type, shape);
  const std::size_t size = element_size(type);
  for (std::size_t i = 0; i < count; ++i)
    tensor.bytes[i * size] = static_cast<std::byte>(generator() >> 31);  // little endian: 0 or 1 of any integer type
  return tensor;
}

}  // namespace

std::vector<Tensor> random_inputs(const onnx::ModelProto& model, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Tensor> inputs;
  for (const auto* input : fed_inputs(model.graph())) inputs.push_back(random_tensor(*input, generator));
  return inputs;
}

std::vector<Tensor> run_model(const onnx::ModelProto& model, const std::vector<Tensor>& inputs) {
  return Session(model, {.threads = 1, .optimization = Optimization::none, .custom_operators = nullptr}).run(inputs);
}

std::vector<double> values_of(const Tensor& tensor) {
  if (tensor.type == onnx::TensorProto::DOUBLE) return {tensor.as<double>().begin(), tensor.as<double>().end()};
  const auto values = float_values(to_proto("", tensor));
  return {values.begin(), values.end()};
}

double largest_difference(const std::vector<Tensor>& expected, const std::vector<Tensor>& actual) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (expected.size() != actual.size()) return infinity;
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].type != actual[i].type || expected[i].shape != actual[i].shape) return infinity;
    const auto before = values_of(expected[i]), after = values_of(actual[i]);
    double difference = 0, magnitude = 1e-30;
    for (std::size_t k = 0; k < before.size(); ++k) {
      if (!std::isfinite(before[k]) || !std::isfinite(after[k])) return infinity;
      difference = std::max(difference, std::fabs(before[k] - after[k]));
      magnitude = std::max(magnitude, std::fabs(before[k]));
    }
    worst = std::max(worst, difference / magnitude);
  }
  return worst;
}

void expect_same_function(const onnx::ModelProto& expected, const onnx::ModelProto& actual, double tolerance) {
  const auto inputs = random_inputs(expected);
  EXPECT_LE(largest_difference(run_model(expected, inputs), run_model(actual, inputs)), tolerance);
}

}  // namespace quantize::test
