#include "optimize/fit_network.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "encode/weight_encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/biases.h"
#include "optimize/layer_data.h"
#include "rewrite/rewrite.h"

namespace quantize {
namespace {

// The numbers, in the simulated graph, of the plan's weighted nodes: rewriting adds nodes and renames outputs, but keeps the order and the
// weights of those that were there, so that the n-th reader of a weight stays its n-th reader.
std::vector<int> weighted_numbers(const onnx::GraphProto& prepared, const onnx::GraphProto& simulated, const Placement& placement) {
  const auto readers = [](const onnx::GraphProto& graph, const std::string& weight) {
    std::vector<int> numbers;
    for (int i = 0; i < graph.node_size(); ++i) {
      const auto& node = graph.node(i);
      if (may_be_weighted(node.op_type()) && node.input_size() > 1 && node.input(1) == weight) numbers.push_back(i);
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

// Their activations, in both networks, fit into the working memory.
std::size_t samples_that_fit(const FitEffort& effort, std::size_t available, std::size_t live, const Context& context) {
  return std::clamp<std::size_t>(std::min(effort.activations, context.working_memory) / std::max<std::size_t>(1, 2 * live), 1,
                                 std::min(effort.samples, available));
}

std::size_t columns_of(const FitEffort& effort, const ColumnView& view) {
  return std::max(effort.least_columns, effort.columns_per_weight * std::min(view.length(), effort.longest_block));
}

class Fitter {
 public:
  Fitter(Plan& plan, const OptimizeInput& input, const FitEffort& effort, std::size_t samples, const Context& context)
      : plan_(plan),
        input_(input),
        effort_(effort),
        context_(context),
        reference_(plan.model.proto),
        index_(reference_.graph()),
        simulated_(rewrite(plan.model, plan.placement, plan.encodings, {.weights = false})),
        numbers_(weighted_numbers(plan.model.graph(), simulated_.graph(), plan.placement)),
        load_([&, samples](std::size_t i) { return input.load(i * input.samples / samples); }),
        fp32_(reference_, load_, samples, context),
        quantized_(simulated_.proto, load_, samples, context) {
    for (const auto& node : plan.model.graph().node()) {
      for (const auto& name : node.input()) ++readers_[name];
      for (const auto& name : captured_tensors(node)) ++readers_[name];
    }
    for (const auto& weighted : plan.placement.weighted) weighted_readers_[weighted.op.weight].push_back(weighted.node);
  }

  NetworkFit run() {
    NetworkFit result;
    result.samples = fp32_.samples();
    const auto progress = context_.step("fit weights", numbers_.size());
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      context_.check_stop();
      const int number = plan_.placement.weighted[i].node;
      const Replay::Advance both[] = {{&fp32_, number}, {&quantized_, numbers_[i]}};
      Replay::advance_all(both, context_);
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
  // Empty when the layer was fitted; else why not.
  std::string fit(std::size_t i) {
    const auto& [number, op] = plan_.placement.weighted[i];
    const auto& tensor = *find_initializer(plan_.model.graph(), op.weight);
    const std::string reason = why_not(op);
    if (!reason.empty()) return round_only(op, tensor), reason;
    const MomentSource source{fp32_, quantized_, reference_.graph().node(number).input(0), simulated_.graph().node(numbers_[i]).input(0)};
    auto& readers = known_[op.weight];
    const bool comparable = source.has_same_shapes();
    if (comparable) readers.push_back(read(i, source, tensor));
    if (readers.empty()) {
      round_only(op, tensor);
    } else {
      fit_readers(op, tensor, readers, number == weighted_readers_[op.weight].back());
    }
    if (number == weighted_readers_[op.weight].back()) known_.erase(op.weight);
    return comparable ? "" : "its input has another size in the quantized network";
  }

  [[nodiscard]] Reader read(std::size_t i, MomentSource source, const onnx::TensorProto& tensor) const {
    const auto& [number, op] = plan_.placement.weighted[i];
    const ColumnView view(reference_.graph().node(number), op, shape_of(tensor));
    const auto* bias = op.bias.empty() ? nullptr : find_initializer(plan_.model.graph(), op.bias);
    const bool own_bias = bias != nullptr && is_channel_bias(*bias, op);
    auto bias_values = own_bias ? float_values(*bias) : std::vector<float>{};
    const auto gain = gain_of(op, view, tensor, bias_values);
    source.gain = gain ? &*gain : nullptr;
    auto moments = measure_moments(view, column_blocks(view, effort_.longest_block), source, columns_of(effort_, view),
                                   own_bias && effort_.correct_bias, input_.seed + 1000003 * i, context_);
    return {&op, view, std::move(moments), std::move(bias_values)};
  }

  // A position counts for what the function behind makes of its errors, where there are few output channels: over many that is nearly the
  // same everywhere.
  [[nodiscard]] std::optional<OutputGain> gain_of(const WeightedOp& op, const ColumnView& view, const onnx::TensorProto& tensor,
                                                  const std::vector<float>& bias) const {
    constexpr std::size_t few_rows = 4;
    if (view.groups() > 1 || view.rows() > few_rows || (bias.empty() && !op.bias.empty())) return {};
    const auto& encoding = plan_.encodings.weights.at(op.weight);
    if (encoding.block > 0) return {};  // has several steps per output channel
    auto at = error_gain(op.output, index_);
    if (!at) return {};
    return OutputGain{std::move(at), view.weights(float_values(tensor), 0), bias, encoding.scale};
  }

  // A weight with several readers is fitted to all of them, if they read it alike.
  std::string why_not(const WeightedOp& op) {
    if (op.channel_axis < 0) return "its weight is no matrix";
    const auto& readers = weighted_readers_[op.weight];
    if (readers_[op.weight] != static_cast<int>(readers.size())) return "its weight is shared with an operator of another kind";
    for (const int other : readers) {
      const auto &a = reference_.graph().node(readers[0]), &b = reference_.graph().node(other);
      const bool alike = a.op_type() == b.op_type() && int_attribute(a, "group", 1) == int_attribute(b, "group", 1) &&
                         int_attribute(a, "transB", 0) == int_attribute(b, "transB", 0);
      if (!alike) return "its weight is shared with an operator of another kind";
    }
    return "";
  }

  // Until the last reader of a weight is known, what suits those known so far stands in for it in the simulation: what runs in between must
  // be fitted to inputs like those there will be. The plan gets the fit to all of them.
  void fit_readers(const WeightedOp& op, const onnx::TensorProto& tensor, std::vector<Reader>& readers, bool last) {
    Encoding encoding = plan_.encodings.weights.at(op.weight);
    // With hardly more columns than values a fit has too much freedom: the float weights must be there to be chosen.
    const auto& moments = readers[0].moments;
    const bool few = moments.columns < 2 * moments.blocks[0].length;
    // What layers behind one reader have seen are errors of weights that are replaced at the next: they are not there to be repaired.
    FitMethods methods = effort_.methods;
    methods.target &= weighted_readers_.at(op.weight).size() == 1;
    const Shape shape = shape_of(tensor);
    const auto count = static_cast<std::size_t>(element_count(shape));
    const FitSettings settings{.zero_points = wants_zero_points(plan_.placement, encoding, count),
                               .dampings = effort_.dampings,
                               .float_target = effort_.float_target || few,
                               .sweeps = effort_.sweeps,
                               .methods = methods};
    std::vector<std::vector<float>> biases;
    for (const auto& reader : readers) biases.push_back(reader.bias);
    auto values = float_values(tensor);
    fit_weight(readers, values, encoding, rules_for(op, readers), settings, effort_.correct_bias, context_);
    put_fitted(simulated_, op, shape, values, readers);
    if (last) {
      put_fitted(plan_.model, op, shape, values, readers);
      plan_.encodings.weights.at(op.weight) = std::move(encoding);
    }
    for (std::size_t i = 0; i < readers.size(); ++i) readers[i].bias = std::move(biases[i]);
  }

  [[nodiscard]] std::vector<ScaleRule> rules_for(const WeightedOp& op, const std::vector<Reader>& readers) const {
    const std::size_t outputs = readers[0].view.rows() * readers[0].view.groups();
    std::vector<ScaleRule> rules(outputs, scale_rule(index_, plan_.placement, plan_.encodings, op.weight));
    for (const auto& reader : readers) {
      const auto least = least_scales(plan_, *reader.op, reader.bias, outputs);
      for (std::size_t r = 0; r < outputs; ++r) rules[r].least = std::max(rules[r].least, least[r]);
    }
    return rules;
  }

  static void put_fitted(Model& model, const WeightedOp& op, const Shape& shape, const std::vector<float>& values,
                         const std::vector<Reader>& readers) {
    put_initializer(model.graph(), make_tensor(op.weight, shape, values));
    for (const auto& reader : readers) {
      if (reader.bias.empty()) continue;
      put_initializer(model.graph(), make_tensor(reader.op->bias, {static_cast<std::int64_t>(reader.bias.size())}, reader.bias));
    }
  }

  // Layers that are not fitted still run quantized in the simulation.
  void round_only(const WeightedOp& op, const onnx::TensorProto& tensor) {
    const auto& encoding = plan_.encodings.weights.at(op.weight);
    const Shape shape = shape_of(tensor);
    put_initializer(simulated_.graph(), make_tensor(op.weight, shape, rounded_values(float_values(tensor), shape, encoding)));
  }

  Plan& plan_;
  const OptimizeInput& input_;
  const FitEffort& effort_;
  const Context& context_;
  const onnx::ModelProto reference_;  // FP32 weights, as prepared
  const GraphIndex index_;            // of it
  Model simulated_;                   // activations quantized, weights as far as fitted
  std::vector<int> numbers_;
  LoadSample load_;
  Replay fp32_, quantized_;
  std::map<std::string, int> readers_;                        // uses of each tensor
  std::map<std::string, std::vector<int>> weighted_readers_;  // by weight: the numbers of its weighted operators, in execution order
  std::map<std::string, std::vector<Reader>> known_;          // of weights whose last reader is still to come
};

}  // namespace

std::size_t fit_bytes(const Plan& plan, const FitEffort& effort, std::size_t samples, std::size_t live, const Context& context) {
  constexpr std::size_t temporary = 5;  // matrices per block, while it is fitted
  // Of its rows too, beside the targets: as they were, as they are judged by, a candidate, its judgement and the best.
  constexpr std::size_t temporary_rows = 5;
  // Bytes per weight: floats twice, one of them to correct biases by, and what is fitted. It does not run then, so that the two copies of
  // it that models which run are counted with are free. While a session is opened that runs it, six copies of it come and go.
  constexpr std::size_t fitted = 2 * sizeof(float) + sizeof(double), running = 2 * sizeof(float), opened = 6 * sizeof(float);
  const GraphIndex index(plan.model.graph());
  const ValueTypes types(plan.model.proto);
  const std::size_t used = samples_that_fit(effort, samples, live, context);
  std::size_t largest = 0, waiting = 0;  // waiting: for the last reader of their weight
  for (const auto& [number, op] : plan.placement.weighted) {
    if (op.channel_axis < 0) continue;
    const ColumnView view(index.node(number), op, shape_of(*index.initializer(op.weight)));
    const auto blocks = column_blocks(view, effort.longest_block);
    const std::size_t matrix = blocks[0].length * blocks[0].length * sizeof(double);
    const std::size_t at_once = std::min<std::size_t>(blocks.size(), context.threads);
    const std::size_t columns = std::min(columns_of(effort, view), used * view.positions(types, op.input));
    const std::size_t weights = view.groups() * view.rows() * view.length();
    const std::size_t rows = view.rows() * blocks[0].length * sizeof(double) * (temporary_rows + effort.dampings.size() + 1);
    const std::size_t gathered = columns * view.groups() * view.length() * sizeof(float);
    const std::size_t kept = columns > blocks[0].length ? 4 : 2;  // moments to fit and to check by; few columns are kept as they are
    const std::size_t measuring = 2 * std::min(gathered, batch_limit(context));
    const std::size_t fitting = weights * (fitted - running) + (matrix * temporary + rows) * at_once;
    largest = std::max({largest, weights * (opened - running), matrix * kept * blocks.size() + std::max(measuring, fitting)});
    if (index.uses(op.weight).size() > 1) waiting += matrix * kept * blocks.size();
  }
  return 2 * live * used + waiting + largest;
}

NetworkFit fit_network(Plan& plan, const OptimizeInput& input, const FitEffort& effort, const Context& context) {
  ensure_biases(plan);
  const std::size_t live = input.live_bytes > 0 ? input.live_bytes : live_activation_bytes(plan.model.proto, input.load(0), context);
  const std::size_t samples = samples_that_fit(effort, input.samples, live, context);
  return Fitter(plan, input, effort, samples, context).run();
}

}  // namespace quantize
