#include "optimize/select_ranges.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/parallel.h"
#include "encode/multiplier.h"
#include "encode/note_readers.h"
#include "encode/pool_scales.h"
#include "encode/weight_encodings.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/columns.h"
#include "optimize/product_energy.h"
#include "optimize/range_options.h"
#include "optimize/replay.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

// What a group's range is chosen from, and by; no options where it stays as it is.
struct Choice {
  ErrorWeights weights;
  std::vector<RangeOption> options;
};

// The few positions that are judged by hardly meet the values that a range cuts off, the histogram has them all: what was measured behind
// the reader is scaled from the error of the positions' own values to that of all (a ratio estimate).
double scaled_to_all(const RangeOption& option, double behind, double own) { return own > 0 ? behind * option.expected / own : behind; }

float fake_quantize(float value, const Encoding& encoding, IntegerRange range) {
  return static_cast<float>(quantize_value(value, encoding.scale[0], encoding.zero_point[0], range) - encoding.zero_point[0]) *
         encoding.scale[0];
}

// What the error of clipping is multiplied by, so that its square counts as much as expected_error() lets it.
float clipping_factor(float value, const Encoding& encoding, const ErrorWeights& weights) {
  return value < encoding.low() || value > encoding.high() ? static_cast<float>(std::sqrt(weights.cut)) : 1;
}

std::size_t bytes_per_column(const ColumnView& view) { return view.groups() * view.length() * sizeof(float); }

// Of each sample, for an operator to be judged by; beside their columns each option keeps the errors of these, twice.
std::size_t most_positions(const ColumnView& view, std::size_t samples, std::size_t wanted, const Context& context) {
  const std::size_t bytes = std::min(std::size_t{48} << 20, context.working_memory / (1 + 2 * most_range_options));
  return std::clamp<std::size_t>(bytes / std::max<std::size_t>(1, samples * bytes_per_column(view)), 1, wanted);
}

bool is_sigmoid(const onnx::NodeProto& node) { return node.op_type() == "Sigmoid"; }

class RangeSearch {
 public:
  RangeSearch(Plan& plan, const Statistics& statistics, const OptimizeInput& input, std::size_t positions, const Context& context)
      : plan_(plan), index_(plan.model.graph()), input_(input), positions_(positions), context_(context) {
    const auto& groups = plan.placement.groups;
    choices_.resize(groups.size());
    std::vector<char> wanted(groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const auto& member : groups[g].members) group_of_[member] = g;
      wanted[g] = static_cast<char>(is_free(groups[g]) && is_read(groups[g]));
    }
    parallel_for(context, groups.size(), [&](std::size_t g, unsigned) {
      if (wanted[g] == 0) return;
      const auto& own = plan.encodings.activations.at(groups[g].members[0]);
      choices_[g] = {range_error_weights(groups[g]), range_options(groups[g], own, statistics, input.scheme)};
    });
  }

  int run() {
    Replay replay(plan_.model.proto, input_.load, input_.samples, context_);
    const auto progress = context_.step("choose ranges", static_cast<std::size_t>(plan_.model.graph().node_size()));
    std::map<int, const WeightedOp*> weighted;
    for (const auto& [number, op] : plan_.placement.weighted) weighted[number] = &op;
    for (int number = 0; number < plan_.model.graph().node_size(); ++number) {
      progress->tick();
      const auto& node = index_.node(number);
      for (int k = 0; k < node.input_size(); ++k) {
        const auto group = group_of_.find(node.input(k));
        if (group == group_of_.end() || choices_[group->second].options.empty()) continue;
        if (moves_within(plan_.placement.groups[group->second], {number, k}, index_)) continue;
        replay.advance_to(number);
        const auto op = weighted.find(number);
        judge(replay, node, k, op == weighted.end() ? nullptr : op->second, choices_[group->second]);
      }
    }
    return adopt();
  }

 private:
  // Its range was chosen by the automatic rule, in 8 bits: neither known, nor given by the user, nor a graph output's.
  [[nodiscard]] bool is_free(const TensorGroup& group) const {
    if (group.range_is_exact || group.is_graph_output) return false;
    const auto& encoding = plan_.encodings.activations.at(group.members[0]);
    return encoding.type == input_.scheme.activation_type() && (encoding.method == "weighted mse" || encoding.method == "minmax");
  }

  [[nodiscard]] bool is_read(const TensorGroup& group) const {
    return std::any_of(group.members.begin(), group.members.end(), [&](const auto& member) {
      const auto& uses = index_.uses(member);
      return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
        const auto& decision = plan_.placement.decisions[static_cast<std::size_t>(use.node)];
        return use.input == 0 && decision.quantized && (decision.role == Role::weighted || is_sigmoid(index_.node(use.node)));
      });
    });
  }

  // Values of `tensor` at random positions as the reader sees them: columns for a weighted operator.
  std::vector<float> columns(const Replay& replay, const ColumnView& view, const std::string& tensor, std::size_t& count) const {
    const std::size_t stride = view.groups() * view.length();
    std::vector<std::vector<std::size_t>> drawn(replay.samples());
    std::vector<std::size_t> offsets(replay.samples());
    count = 0;
    const std::size_t most = most_positions(view, replay.samples(), positions_, context_);
    for (std::size_t sample = 0; sample < replay.samples(); ++sample) {
      const std::size_t all = view.positions(replay.value(sample, tensor).shape);
      std::mt19937_64 random(input_.seed + sample);
      for (std::size_t i = 0; i < std::min(most, all); ++i) drawn[sample].push_back(random() % all);
      offsets[sample] = count;
      count += drawn[sample].size();
    }
    std::vector<float> values(count * stride);
    parallel_for(context_, replay.samples(), [&](std::size_t sample, unsigned) {
      view.gather(replay.value(sample, tensor), drawn[sample], values.data() + offsets[sample] * stride);
    });
    return values;
  }

  void judge(const Replay& replay, const onnx::NodeProto& node, int input, const WeightedOp* op, Choice& choice) const {
    if (op != nullptr && input == 0 && op->channel_axis >= 0) return judge_product(replay, node, *op, choice);
    if (is_sigmoid(node))
      return judge_values(
          replay, node.input(input), [](double x) { return 1 / (1 + std::exp(-x)); }, choice);
    const double slope = std::sqrt(mean_square_slope(node, index_));
    judge_values(
        replay, node.input(input), [&](double x) { return x < 0 ? slope * x : x; }, choice);
  }

  void judge_product(const Replay& replay, const onnx::NodeProto& node, const WeightedOp& op, Choice& choice) const {
    const auto& tensor = *index_.initializer(op.weight);
    const ColumnView view(node, op, shape_of(tensor));
    std::size_t count = 0;
    const auto x = columns(replay, view, node.input(0), count);
    const ProductEnergy energy(view, float_values(tensor));
    const bool centered = !op.bias.empty() && index_.initializer(op.bias) != nullptr;
    const double signal = energy(x, count, false);
    if (!(signal > 0)) return;
    auto& options = choice.options;
    parallel_for_samples(context_, options.size(), [&](std::size_t i, unsigned) {
      const auto& encoding = options[i].encoding;
      const IntegerRange range = integer_range(encoding.type);
      std::vector<float> error(x.size());
      double own = 0;
      for (std::size_t k = 0; k < x.size(); ++k) {
        const float quantized = fake_quantize(x[k], encoding, range);
        error[k] = (x[k] - quantized) * clipping_factor(x[k], encoding, choice.weights);
        own += error[k] * error[k] * (x[k] < 0 ? choice.weights.negative : 1);
      }
      own /= static_cast<double>(x.size());
      options[i].error += scaled_to_all(options[i], energy(error, count, centered) / signal, own);
    });
  }

  // The error behind a function of each value alone.
  template <typename Function>
  void judge_values(const Replay& replay, const std::string& tensor, const Function& f, Choice& choice) const {
    auto& options = choice.options;
    double signal = 0;
    std::size_t count = 0;
    std::vector<double> errors(options.size()), own(options.size());
    for (std::size_t sample = 0; sample < replay.samples(); ++sample) {
      const auto values = replay.value(sample, tensor).as<float>();
      const std::size_t stride =
          std::max<std::size_t>(1, values.size() / (64 * positions_)) | 1;  // odd: no column of the layout is left out
      for (std::size_t k = 0; k < values.size(); k += stride) {
        const double exact = f(values[k]);
        signal += exact * exact;
        ++count;
        for (std::size_t i = 0; i < options.size(); ++i) {
          const auto& encoding = options[i].encoding;
          const float quantized = fake_quantize(values[k], encoding, integer_range(encoding.type));
          const double factor = clipping_factor(values[k], encoding, choice.weights);
          const double off = factor * (exact - f(quantized)), before = factor * (values[k] - quantized);
          errors[i] += off * off;
          own[i] += before * before * (values[k] < 0 ? choice.weights.negative : 1);
        }
      }
    }
    for (std::size_t i = 0; i < options.size(); ++i)
      options[i].error += scaled_to_all(options[i], errors[i] / std::max(signal, 1e-30), own[i] / static_cast<double>(count));
  }

  // Another than the plan's own must be better by more than chance to replace it.
  int adopt() {
    int changed = 0;
    for (std::size_t g = 0; g < choices_.size(); ++g) {
      const auto& options = choices_[g].options;
      if (options.size() < 2) continue;
      const auto best = std::min_element(options.begin(), options.end(), [](const auto& a, const auto& b) { return a.error < b.error; });
      const RangeOption& chosen = best->error < 0.99 * options[0].error ? *best : options[0];
      for (const auto& member : plan_.placement.groups[g].members) {
        plan_.encodings.activations.at(member) = chosen.encoding;
      }
      changed += static_cast<int>(chosen.encoding.scale != options[0].encoding.scale ||
                                  chosen.encoding.zero_point != options[0].encoding.zero_point);
    }
    widen_pool_scales(index_, plan_.placement, plan_.encodings);
    encode_weights_anew();
    protect_biases(plan_.model, plan_.placement, plan_.encodings, context_);  // input scales may have become smaller
    shorten_multipliers(index_, plan_.placement, plan_.encodings);
    return changed;
  }

  // What biases and multipliers ask of weight scales only ever raises them, and so far they follow the old ranges. Weights of 7 bits keep
  // theirs.
  void encode_weights_anew() {
    Encodings anew{plan_.encodings.activations, {}};
    Context quiet;  // what there is to say of weights has been said
    encode_weights(index_, plan_.placement, input_.scheme, anew, quiet);
    for (auto& [name, weight] : plan_.encodings.weights) {
      if (weight.largest.empty()) weight = std::move(anew.weights.at(name));
    }
  }

  Plan& plan_;
  const GraphIndex index_;
  const OptimizeInput& input_;
  const std::size_t positions_;
  const Context& context_;
  std::map<std::string, std::size_t> group_of_;
  std::vector<Choice> choices_;  // per group
};

}  // namespace

std::size_t samples_for_ranges(std::size_t wanted, std::size_t live, const Context& context) {
  return std::clamp<std::size_t>(context.working_memory / std::max<std::size_t>(live, 1), 1, wanted);
}

std::size_t range_bytes(const Plan& plan, std::size_t samples, std::size_t live, std::size_t positions, const Context& context) {
  const GraphIndex index(plan.model.graph());
  const ValueTypes types(plan.model.proto);
  const std::size_t at_once = std::min<std::size_t>(context.samples_at_once(), most_range_options);
  std::size_t largest = 0;
  for (const auto& [number, op] : plan.placement.weighted) {
    if (op.channel_axis < 0) continue;
    const ColumnView view(index.node(number), op, shape_of(*index.initializer(op.weight)));
    const std::size_t most = most_positions(view, samples, positions, context);
    const std::size_t count = samples * std::min(most, view.positions(types, op.input)), columns = count * bytes_per_column(view);
    const std::size_t option = columns + ProductEnergy::call_bytes(view, count);
    largest = std::max(largest, columns + ProductEnergy::kept_bytes(view) + at_once * option);
  }
  return samples * live + largest;
}

int select_ranges(Plan& plan, const Statistics& statistics, const OptimizeInput& input, std::size_t positions, const Context& context) {
  return RangeSearch(plan, statistics, input, positions, context).run();
}

}  // namespace quantize
