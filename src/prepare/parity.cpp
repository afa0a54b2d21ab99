#include "prepare/parity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr std::size_t input_sets = 2;

// Rounding of a float32 network of a hundred layers stays two orders below its tolerance; a wrong pad or coordinate rule is orders above.
// Half floats carry 11 bits and bfloat16 carries 8, and a folded weight is rounded once more: a few units in the last place of every layer.
// Of an output that hardly varies, the tolerance holds a few units in the last place.
constexpr ParityLimits float_limits{.tolerance = 1e-4, .least_range = 1e-2};
constexpr ParityLimits half_limits{.tolerance = 1e-2, .least_range = 0.5};
constexpr ParityLimits bfloat_limits{.tolerance = 5e-2, .least_range = 0.5};

ParityLimits limits_for(const onnx::GraphProto& graph) {
  ParityLimits limits = float_limits;
  const auto consider = [&](int type) {
    const bool is_half = type == onnx::TensorProto::FLOAT16;
    if (!is_half && type != onnx::TensorProto::BFLOAT16) return;
    const auto& wanted = is_half ? half_limits : bfloat_limits;
    if (wanted.tolerance > limits.tolerance) limits = wanted;
  };
  for (const auto& tensor : graph.initializer()) consider(tensor.data_type());
  for (const auto* values : {&graph.input(), &graph.output()}) {
    for (const auto& value : *values) consider(value.type().tensor_type().elem_type());
  }
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) consider(attribute.t().data_type());
    }
  }
  return limits;
}

std::vector<double> as_doubles(const Tensor& tensor) {
  if (tensor.type == onnx::TensorProto::DOUBLE) {
    const auto values = tensor.as<double>();
    return {values.begin(), values.end()};
  }
  if (tensor.type == onnx::TensorProto::FLOAT) {
    const auto values = tensor.as<float>();
    return {values.begin(), values.end()};
  }
  const auto values = float_values(to_proto("", tensor));
  return {values.begin(), values.end()};
}

// The share of elements that differ, or, where that is less, how far they are apart on average: floats cut down to integers differ by one
// in many places after a rounding that means nothing. One element of several may be a tie.
double integer_difference(const Tensor& expected, const Tensor& actual, double range) {
  if (element_size(expected.type) == 0 || expected.bytes == actual.bytes) return 0;
  const auto before = as_doubles(expected);
  const auto after = as_doubles(actual);
  const auto count = static_cast<double>(before.size());
  double differing = 0, distance = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    differing += before[i] != after[i] ? 1 : 0;
    distance += std::fabs(before[i] - after[i]);
  }
  if (differing == 1 && count > 1) return 0;
  return std::min(differing, distance / range) / count;
}

double tensor_difference(const Tensor& expected, const Tensor& actual, double range) {
  if (expected.type != actual.type || expected.shape != actual.shape) return std::numeric_limits<double>::infinity();
  if (!is_float(expected.type)) return integer_difference(expected, actual, range);
  const auto before = as_doubles(expected);
  const auto after = as_doubles(actual);
  double largest = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double difference = std::fabs(before[i] - after[i]);
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
  }
  return largest / range;
}

}  // namespace

ParityCheck::ParityCheck(const onnx::ModelProto& model, std::span<const std::vector<Tensor>> inputs, const ParityRuns& runs)
    : loaded_(model), inputs_(inputs.first(std::min(inputs.size(), input_sets))), runs_(runs), limits_(limits_for(model.graph())) {
  if (inputs.empty()) throw Error(ErrorKind::internal, "the parity check was given no inputs");
  for (const auto& output : model.graph().output()) names_.push_back(output.name());
  // Where memory is short, one model is there at a time.
  const auto when = runs.at_once > 1 && runs.threads > 1 ? std::launch::async : std::launch::deferred;
  session_ = std::async(when, [this] { return open(loaded_); }).share();
}

Session ParityCheck::open(const onnx::ModelProto& model) const {
  // ONNX Runtime's own optimisations are on: they are exact to float rounding and make a run several times faster.
  return Session(model, {.threads = runs_.one_thread_each ? 1 : std::max(1U, runs_.threads / sets_at_once())});
}

unsigned ParityCheck::sets_at_once() const {
  return std::clamp<unsigned>(std::min(runs_.at_once, runs_.threads), 1, static_cast<unsigned>(inputs_.size()));
}

std::vector<std::vector<Tensor>> ParityCheck::run(const Session& session) const {
  std::vector<std::vector<Tensor>> results(inputs_.size());
  Context context;
  context.threads = sets_at_once();
  parallel_for(context, inputs_.size(), [&](std::size_t set, unsigned) { results[set] = session.run(inputs_[set]); });
  return results;
}

double ParityCheck::range_of(const std::vector<std::vector<Tensor>>& results, std::size_t output) const {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& outputs : results) {
    if (element_size(outputs[output].type) == 0) continue;
    for (const double value : as_doubles(outputs[output])) {
      if (!std::isfinite(value))
        throw Error(ErrorKind::numeric, "output '" + names_[output] + "' of the float model holds NaN or infinity");
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  const double magnitude = std::max(std::fabs(low), std::fabs(high));
  // An output far from zero that hardly varies (or not at all) cannot be compared more finely than float rounding allows.
  const double range = std::isfinite(magnitude) ? std::max(high - low, limits_.least_range * magnitude) : 1.0;
  return range > 0 ? range : 1.0;
}

const std::vector<std::vector<Tensor>>& ParityCheck::reference() {
  if (!session_.valid()) return reference_;
  auto results = run(session_.get());
  ranges_.clear();
  for (std::size_t output = 0; output < names_.size(); ++output) ranges_.push_back(range_of(results, output));
  session_ = {};
  return reference_ = std::move(results);
}

Parity ParityCheck::measure(const onnx::ModelProto& model) {
  const Session session = open(model);  // while the other one loads
  reference();
  Parity parity;
  parity.outputs = run(session);
  const auto& results = parity.outputs;
  for (std::size_t set = 0; set < results.size(); ++set) {
    for (std::size_t output = 0; output < names_.size(); ++output) {
      const double difference = tensor_difference(reference_[set][output], results[set].at(output), ranges_[output]);
      if (difference > parity.difference || parity.output.empty()) {
        parity.difference = difference;
        parity.output = names_[output];
      }
    }
  }
  parity.same = parity.difference <= limits_.tolerance;
  return parity;
}

}  // namespace quantize
