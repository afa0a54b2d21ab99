#include "support/step_tolerance.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <set>

#include "encode/encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "run/session.h"
#include "support/run_model.h"

namespace quantize::test {
namespace {

constexpr int seeds = 12;        // with 4, one random graph in 800 moved by more than the largest draw allowed
constexpr double factor = 4;     // the largest of few draws over the largest of one: about 2; correlated roundings: as much again
constexpr double parity = 1e-4;  // of float arithmetic in another order

struct Noise {
  bool clip = false;
  std::uint32_t seed = 0;  // 0: none
};

class NoiseModel {
 public:
  NoiseModel(const onnx::ModelProto& quantized, Noise noise)
      : index_(quantized.graph()), noise_(noise), generator_(noise.seed), result_(quantized), graph_(*result_.mutable_graph()) {}

  onnx::ModelProto make() {
    graph_.clear_node();
    for (const auto& node : index_.graph().node()) {
      if (node.op_type() == "QuantizeLinear") continue;
      if (node.op_type() != "DequantizeLinear") {
        *graph_.add_node() = node;
      } else if (const auto* quantizer = index_.producer(node.input(0)); quantizer != nullptr) {
        replace_pair(*quantizer, node);
      } else {
        replace_constant(node);
      }
    }
    return std::move(result_);
  }

 private:
  void add(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
    *graph_.add_node() = make_node(type, inputs, {&output, 1});
  }

  void replace_pair(const onnx::NodeProto& quantizer, const onnx::NodeProto& dequantizer) {
    const std::string name = dequantizer.output(0);
    const float step = float_values(*index_.constant(quantizer.input(1)))[0];
    const auto& zero = *index_.constant(quantizer.input(2));
    std::string source = quantizer.input(0);
    if (noise_.clip) {
      const auto range = integer_range(static_cast<ElementType>(zero.data_type()));
      const float offset = static_cast<float>(int_values(zero)[0]);
      const float low = step * (static_cast<float>(range.low) - offset), high = step * (static_cast<float>(range.high) - offset);
      put_initializer(graph_, make_tensor(name + ".low", {}, {&low, 1}));
      put_initializer(graph_, make_tensor(name + ".high", {}, {&high, 1}));
      add("Clip", {source, name + ".low", name + ".high"}, name + ".clipped");
      source = name + ".clipped";
    }
    if (noise_.seed == 0) return add("Identity", {source}, name);
    add("RandomUniformLike", {source}, name + ".noise");
    auto& node = *graph_.mutable_node(graph_.node_size() - 1);
    set_attribute(node, "low", -step / 2);
    set_attribute(node, "high", step / 2);
    set_attribute(node, "seed", static_cast<float>(generator_() % 100000));
    add("Add", {source, name + ".noise"}, name);
  }

  void replace_constant(const onnx::NodeProto& node) {
    const auto& integers = *index_.constant(node.input(0));
    const Shape shape = shape_of(integers);
    const auto scale = float_values(*index_.constant(node.input(1)));
    const float zero = node.input_size() > 2 ? float_values(*index_.constant(node.input(2)))[0] : 0;
    const int axis = scale.size() == 1 ? -1 : static_cast<int>(int_attribute(node, "axis", 1));
    auto values = float_values(integers);
    std::uniform_real_distribution<float> step(-1, 1);  // weights fitted to the layer's output are not the nearest ones
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = (values[i] - zero + (noise_.seed != 0 ? step(generator_) : 0)) * scale[slice_of(i, shape, axis)];
    }
    put_initializer(graph_, make_tensor(node.output(0), shape, values));
  }

  GraphIndex index_;
  Noise noise_;
  std::mt19937 generator_;
  onnx::ModelProto result_;
  onnx::GraphProto& graph_;
};

double distance(const Tensor& a, const Tensor& b) {
  if (a.type != b.type || a.shape != b.shape) return std::numeric_limits<double>::infinity();
  const auto first = values_of(a), second = values_of(b);
  double largest = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double difference = std::fabs(first[i] - second[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

double extent(const Tensor& tensor) {
  const auto values = values_of(tensor);
  if (values.empty()) return 0;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return std::max(*high - *low, 0.01 * std::max(std::fabs(*low), std::fabs(*high)));
}

// Without these instructions ONNX Runtime's 8-bit kernels saturate their 16-bit sums, by up to half of a layer's range: their error, not
// the model's.
bool has_vnni() {
  std::ifstream file("/proc/cpuinfo");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return text.find("vnni") != std::string::npos || text.find("asimd") != std::string::npos;
}

// The tensors that something quantized leads to.
std::set<std::string> touched(const onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const auto& node : graph.node()) {
    bool reached = node.op_type() == "QuantizeLinear" || node.op_type() == "DequantizeLinear";
    for (const auto& input : node.input()) reached |= names.contains(input);
    for (const auto& input : captured_tensors(node)) reached |= names.contains(input);
    if (reached) names.insert(node.output().begin(), node.output().end());
  }
  return names;
}

}  // namespace

std::vector<double> step_tolerances(const onnx::ModelProto& quantized, const std::vector<Tensor>& inputs,
                                    const std::vector<Tensor>& expected) {
  const auto plain = run_model(NoiseModel(quantized, {}).make(), inputs);
  const auto clipped = run_model(NoiseModel(quantized, {.clip = true}).make(), inputs);
  std::vector<double> rounding(expected.size());
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    const auto noisy = run_model(NoiseModel(quantized, {.clip = true, .seed = seed}).make(), inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) rounding[i] = std::max(rounding[i], distance(clipped[i], noisy[i]));
  }
  std::vector<double> tolerances;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    tolerances.push_back(factor * rounding[i] + 2 * distance(plain[i], clipped[i]) + parity * extent(expected[i]) + 1e-6);
  }
  return tolerances;
}

std::string beyond_steps(const onnx::ModelProto& quantized, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected) {
  const auto allowed = step_tolerances(quantized, inputs, expected);
  const auto changed = touched(quantized.graph());
  const auto defect = [&](Optimization optimization, bool integer_kernels) -> std::string {
    const Session session(quantized,
                          {.threads = 1, .optimization = optimization, .fuse_quantized = integer_kernels, .custom_operators = nullptr});
    const auto actual = session.run(inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::string& name = quantized.graph().output(static_cast<int>(i)).name();
      const double moved = distance(expected[i], actual[i]);
      const double limit = changed.contains(name) ? allowed[i] : parity * extent(expected[i]);
      if (moved <= limit) continue;
      return "output '" + name + "' moved by " + std::to_string(moved) + ", " + std::to_string(limit) + " is allowed (optimisations " +
             (optimization == Optimization::none ? "off" : "on") + ")";
    }
    return "";
  };
  const auto plain = defect(Optimization::none, true);
  if (!plain.empty()) return plain;
  const auto optimised = defect(Optimization::all, true);
  return optimised.empty() || has_vnni() ? optimised : defect(Optimization::all, false);
}

}  // namespace quantize::test
