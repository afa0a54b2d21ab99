#include "optimize/fit_network.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/parallel.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/biases.h"
#include "optimize/fit_layer.h"
#include "rewrite/rewrite.h"

namespace quantize {
namespace {

constexpr std::size_t longest_column = 8192;  // beyond it the K x K matrices no longer pay

// The numbers, in the simulated graph, of the plan's weighted nodes: rewriting adds nodes and renames outputs, but keeps the order and the
// weights of those that were there, so that the n-th reader of a weight stays its n-th reader.
std::vector<int> weighted_numbers(const onnx::GraphProto& prepared, const onnx::GraphProto& simulated, const Placement& placement) {
  const auto readers = [](const onnx::GraphProto& graph, const std::string& weight) {
    std::vector<int> numbers;
    for (int i = 0; i < graph.node_size(); ++i) {
      if (graph.node(i).input_size() > 1 && graph.node(i).input(1) == weight) numbers.push_back(i);
    }
    return numbers;
  };
  std::vector<int> numbers;
  for (const auto& [number, op] : placement.weighted) {
    const auto before = readers(prepared, op.weight), after = readers(simulated, op.weight);
    const auto place = static_cast<std::size_t>(std::find(before.begin(), before.end(), number) - before.begin());
    if (before.size() != after.size()) throw Error(ErrorKind::internal, "the simulated network lacks a weighted operator");
    numbers.push_back(after[place]);
  }
  return numbers;
}

// Gemm's own factors on the product and on the bias.
bool has_factors(const onnx::NodeProto& node) {
  return node.op_type() == "Gemm" && (float_attribute(node, "alpha", 1) != 1 || float_attribute(node, "beta", 1) != 1);
}

class Fitter {
 public:
  Fitter(Plan& plan, const OptimizeInput& input, const FitEffort& effort, std::size_t samples, const Context& context)
      : plan_(plan),
        input_(input),
        effort_(effort),
        context_(context),
        reference_(plan.model.proto),
        simulated_(rewrite(plan.model, plan.placement, plan.encodings, {.weights = false})),
        numbers_(weighted_numbers(plan.model.graph(), simulated_.graph(), plan.placement)),
        load_([&, samples](std::size_t i) { return input.load(i * input.samples / samples); }),
        fp32_(reference_, load_, samples, context),
        quantized_(simulated_.proto, load_, samples, context) {
    for (const auto& node : plan.model.graph().node()) {
      for (const auto& name : node.input()) ++weight_readers_[name];
      for (const auto& name : captured_tensors(node)) ++weight_readers_[name];
    }
  }

  NetworkFit run() {
    NetworkFit result;
    result.samples = fp32_.samples();
    const auto progress = context_.step("fit weights", numbers_.size());
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      context_.check_stop();
      const int number = plan_.placement.weighted[i].node;
      fp32_.advance_to(number);
      quantized_.advance_to(numbers_[i]);
      const std::string reason = fit(i);
      if (reason.empty()) {
        ++result.fitted;
      } else {
        result.skipped.push_back(plan_.placement.decisions[static_cast<std::size_t>(number)].node + ": " + reason);
      }
      progress->tick();
    }
    return result;
  }

 private:
  // Empty when the layer was fitted, else why not.
  std::string fit(std::size_t i) {
    const auto& [number, op] = plan_.placement.weighted[i];
    const auto& node = reference_.graph().node(number);
    const auto& tensor = *find_initializer(plan_.model.graph(), op.weight);
    const Shape shape = shape_of(tensor);
    auto& encoding = plan_.encodings.weights.at(op.weight);
    if (weight_readers_[op.weight] > 1) return round_only(op, tensor, encoding), "its weight is shared";
    if (has_factors(node)) return round_only(op, tensor, encoding), "it has an alpha or beta";
    if (op.channel_axis < 0) return round_only(op, tensor, encoding), "its weight is no matrix";
    const ColumnView view(node, op, shape);
    if (view.length() > longest_column) return round_only(op, tensor, encoding), "its columns are too long";

    const auto* bias_tensor = op.bias.empty() ? nullptr : find_initializer(plan_.model.graph(), op.bias);
    const bool centered = bias_tensor != nullptr && element_count(shape_of(*bias_tensor)) == op.outputs;
    const std::size_t columns = std::max(effort_.least_columns, effort_.columns_per_weight * view.length());
    const MomentSource source{fp32_, quantized_, node.input(0), simulated_.graph().node(numbers_[i]).input(0)};
    const auto moments = measure_moments(view, source, columns, centered, input_.seed + 1000003 * i, context_);

    auto values = float_values(tensor);
    auto bias = centered ? float_values(*bias_tensor) : std::vector<float>{};
    fit_groups(view, op, moments, encoding, values, bias);
    store(op, shape, values, bias);
    return "";
  }

  void fit_groups(const ColumnView& view, const WeightedOp& op, const LayerMoments& moments, Encoding& encoding, std::vector<float>& values,
                  std::vector<float>& bias) {
    const IntegerRange range = integer_range(encoding.type, true);
    const std::size_t rows = view.rows(), groups = view.groups();
    // Rows of several groups share a scale where scales are per tensor, or per output channel of a grouped ConvTranspose: then it stays as
    // it is.
    const bool own_scales = encoding.scale.size() == rows * groups;
    const FitSettings settings{range.low, range.high, own_scales, effort_.dampings, effort_.sweeps};
    const auto floors = least_scales(plan_, op, bias, rows * groups);
    std::vector<FittedGroup> fitted(groups);
    Context alone;  // with many small groups, one thread each; with one group, all threads on it
    const auto fit_one = [&](std::size_t group, const Context& context) {
      std::vector<float> scale(rows), floor(floors.begin() + static_cast<std::ptrdiff_t>(group * rows),
                                            floors.begin() + static_cast<std::ptrdiff_t>((group + 1) * rows));
      FitSettings own = settings;
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t slice = own_scales ? group * rows + r : encoding.scale.size() == 1 ? 0 : r;
        scale[r] = encoding.scale[slice];
        if (!encoding.largest.empty()) own.largest.push_back(encoding.largest[slice]);
      }
      const auto& check = moments.check.empty() ? moments.fit[group] : moments.check[group];
      fitted[group] = fit_group(view.weights(values, group), moments.fit[group], check, scale, floor, own, context);
    };
    if (groups == 1) {
      fit_one(0, context_);
    } else {
      parallel_for(context_, groups, [&](std::size_t group, unsigned) { fit_one(group, alone); });
    }
    for (std::size_t group = 0; group < groups; ++group) {
      const Matrix before = view.weights(values, group);
      for (std::size_t r = 0; r < rows && !bias.empty(); ++r) {  // the mean that the new weights lose on the new inputs
        double lost = 0;
        for (std::size_t k = 0; k < before.cols; ++k) {
          lost += before(r, k) * moments.fit[group].mean_fp[k] - fitted[group].weights(r, k) * moments.fit[group].mean_q[k];
        }
        bias[group * rows + r] += static_cast<float>(lost);
      }
      view.store(fitted[group].weights, group, values);
      for (std::size_t r = 0; r < rows && own_scales; ++r) encoding.scale[group * rows + r] = fitted[group].scale[r];
    }
    encoding.method = "fitted to the FP32 output";
  }

  // Layers that are not fitted still run quantized in the simulation.
  void round_only(const WeightedOp& op, const onnx::TensorProto& tensor, const Encoding& encoding) {
    auto values = float_values(tensor);
    const Shape shape = shape_of(tensor);
    const auto integers = quantize_values(values, shape, encoding);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(integers[i]) * encoding.scale[slice_of(i, shape, encoding.axis)];
    put_initializer(simulated_.graph(), make_tensor(op.weight, shape, values));
  }

  void store(const WeightedOp& op, const Shape& shape, const std::vector<float>& values, const std::vector<float>& bias) {
    for (auto* model : {&plan_.model, &simulated_}) {
      put_initializer(model->graph(), make_tensor(op.weight, shape, values));
      if (!bias.empty()) put_initializer(model->graph(), make_tensor(op.bias, {static_cast<std::int64_t>(bias.size())}, bias));
    }
  }

  Plan& plan_;
  const OptimizeInput& input_;
  const FitEffort& effort_;
  const Context& context_;
  const onnx::ModelProto reference_;  // FP32 weights, as prepared
  Model simulated_;                   // activations quantized, weights as far as fitted
  std::vector<int> numbers_;
  LoadSample load_;
  Replay fp32_, quantized_;
  std::map<std::string, int> weight_readers_;
};

// The most bytes of activations alive at once for one sample, in both networks, from running the first sample alone.
std::size_t bytes_per_sample(const Plan& plan, const OptimizeInput& input, const Context& context) {
  Replay replay(plan.model.proto, input.load, 1, context);
  std::size_t most = replay.live_bytes();
  for (const auto& weighted : plan.placement.weighted) {
    replay.advance_to(weighted.node);
    most = std::max(most, replay.live_bytes());
  }
  return 2 * most;
}

}  // namespace

NetworkFit fit_network(Plan& plan, const OptimizeInput& input, const FitEffort& effort, std::size_t memory_limit, const Context& context) {
  ensure_biases(plan);
  const std::size_t each = std::max<std::size_t>(1, bytes_per_sample(plan, input, context));
  const std::size_t samples = std::clamp<std::size_t>(memory_limit / each, 1, std::min(effort.samples, input.samples));
  return Fitter(plan, input, effort, samples, context).run();
}

}  // namespace quantize
