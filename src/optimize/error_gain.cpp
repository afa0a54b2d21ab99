#include "optimize/error_gain.h"

#include <algorithm>
#include <cmath>

#include "model/attribute.h"

namespace quantize {
namespace {

constexpr double least_gain = 0.03;  // what is cut off in one network may not be in the other

double square(double value) { return value * value; }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Scaled so that the steepest slope is 1.
std::function<double(double)> function_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (!standard_domain(node)) return {};
  if (node.op_type() == "Sigmoid") return [](double x) { return 4 * sigmoid(x); };
  if (node.op_type() == "Tanh") return [](double x) { return std::tanh(x); };
  if (node.op_type() == "HardSwish") return [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 9; };
  if (const auto distinct = distinct_inputs(node, index)) {
    return [low = distinct->first, high = distinct->second](double x) { return std::clamp<double>(x, low, high); };
  }
  const double negative = mean_square_slope(node, index);
  if (negative >= 1) return {};
  return [slope = std::sqrt(negative)](double x) { return x < 0 ? slope * x : x; };
}

// Values pass it as they are, or, where it interpolates what varies slowly, nearly so.
bool passes_on(const onnx::NodeProto& node, const GraphIndex& index) {
  const bool interpolates = node.op_type() == "Resize" && standard_domain(node) && string_attribute(node, "mode", "nearest") == "linear";
  return node.output_size() == 1 && (interpolates || role_of(node, index) == Role::moving);
}

}  // namespace

std::function<double(double, double)> error_gain(const std::string& output, const GraphIndex& index) {
  const int number = index.only_reader(output);
  if (number < 0) return {};
  const auto& reader = index.node(number);
  if (passes_on(reader, index)) return error_gain(reader.output(0), index);
  auto function = function_of(reader, index);
  if (!function) return {};
  return [function = std::move(function)](double value, double error) {
    const double reach = std::max(error, 1e-4);
    return std::max(least_gain, square((function(value + reach) - function(value - reach)) / (2 * reach)));
  };
}

std::vector<float> OutputGain::roots(std::span<const float> fp, std::span<const float> q, std::size_t count) const {
  const std::size_t rows = weights.rows, length = weights.cols;
  Matrix outputs(rows, count), moved(rows, count);
  linalg().respond(weights, fp, count, outputs);
  linalg().respond(weights, q, count, moved);
  std::vector<float> result(count);
  for (std::size_t n = 0; n < count; ++n) {
    double power = 0, sum = 0;
    for (const float value : q.subspan(n * length, length)) power += square(value);
    for (std::size_t r = 0; r < rows; ++r) {
      const double rounding = power * square(steps[r % steps.size()]) / 12;
      const double error = std::sqrt(square(moved(r, n) - outputs(r, n)) + rounding);
      sum += at(outputs(r, n) + (bias.empty() ? 0.0 : static_cast<double>(bias[r])), error);
    }
    result[n] = static_cast<float>(std::sqrt(sum / static_cast<double>(rows)));
  }
  return result;
}

}  // namespace quantize
