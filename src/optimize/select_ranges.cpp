#include "optimize/select_ranges.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/parallel.h"
#include "encode/multiplier.h"
#include "encode/note_readers.h"
#include "encode/pool_scales.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/columns.h"
#include "optimize/replay.h"

namespace quantize {
namespace {

struct Option {
  Encoding encoding;
  double expected = 0;  // squared error per value over all of calibration, clipping weighed
  double error = 0;     // relative to the signal at the readers' outputs, summed over them
};

// What a group's range is chosen from, and by; no options where it stays as it is.
struct Choice {
  ErrorWeights weights;
  std::vector<Option> options;
};

// The few positions that are judged by hardly meet the values that a range cuts off, the histogram has them all: what was measured behind
// the reader is scaled from the error of the positions' own values to that of all (a ratio estimate).
double scaled_to_all(const Option& option, double behind, double own) { return own > 0 ? behind * option.expected / own : behind; }

float fake_quantize(float value, const Encoding& encoding, IntegerRange range) {
  return static_cast<float>(quantize_value(value, encoding.scale[0], encoding.zero_point[0], range) - encoding.zero_point[0]) *
         encoding.scale[0];
}

// Squared and weighed: what expected_error() expects of a value.
double own_error(float value, float quantized, const Encoding& encoding, const ErrorWeights& weights) {
  const double off = static_cast<double>(value) - quantized;
  return off * off * (value < encoding.low() || value > encoding.high() ? weights.cut : 1) * (value < 0 ? weights.negative : 1);
}

ErrorWeights weights_of(const TensorGroup& group) { return {.cut = clipping_weight, .negative = group.negative_weight}; }

// Of the columns that one operator is judged by; beside them each option keeps their errors, twice.
constexpr std::size_t most_options = 10;
std::size_t column_bytes(const Context& context) {
  return std::min(std::size_t{48} << 20, context.working_memory / (1 + 2 * most_options));
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
      if (wanted[g] != 0) choices_[g] = {weights_of(groups[g]), options_for(groups[g], statistics)};
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

  // The first is the plan's own.
  [[nodiscard]] std::vector<Option> options_for(const TensorGroup& group, const Statistics& statistics) const {
    const auto seen = group_statistics(group, statistics);
    const int levels = 1 << input_.scheme.activation_bits;
    const ErrorWeights weights = weights_of(group);
    const Range least = mse_range(seen, levels, {.negative = weights.negative});
    const auto part = [&](double factor) {  // of the longer side: the shorter one may be all that the reader sees
      const double most = factor * std::max(-least.low, least.high);
      return Range{std::max(least.low, -most), std::min(least.high, most)};
    };
    const std::pair<Range, const char*> ranges[] = {{mse_range(seen, levels, weights), "weighted mse"},
                                                    {least, "mse"},
                                                    {minmax_range(seen), "minmax"},
                                                    {percentile_range(seen, 99.999), "percentile 99.999"},
                                                    {percentile_range(seen, 99.99), "percentile 99.99"},
                                                    {entropy_range(seen, levels), "entropy"},
                                                    {part(0.9), "0.9 mse"},
                                                    {part(0.75), "0.75 mse"},
                                                    {part(0.5), "0.5 mse"}};
    std::vector<Option> options;
    const auto add = [&](Encoding encoding) {
      const double expected = expected_error(seen, {encoding.low(), encoding.high()}, levels, weights);
      options.push_back({std::move(encoding), expected});
    };
    add(plan_.encodings.activations.at(group.members[0]));
    for (const auto& [range, method] : ranges) {
      auto encoding = encode_range(limit_range(range, group, input_.scheme.activation_bits), input_.scheme.activation_type(),
                                   input_.scheme.activations);
      encoding.method = method;
      const bool known = std::any_of(options.begin(), options.end(), [&](const Option& other) {
        return other.encoding.scale == encoding.scale && other.encoding.zero_point == encoding.zero_point;
      });
      if (!known) add(std::move(encoding));
    }
    return options;
  }

  // Values of `tensor` at random positions as the reader sees them: columns for a weighted operator.
  std::vector<float> columns(const Replay& replay, const ColumnView& view, const std::string& tensor, std::size_t& count) const {
    const std::size_t stride = view.groups() * view.length();
    std::vector<std::vector<std::size_t>> drawn(replay.samples());
    std::vector<std::size_t> offsets(replay.samples());
    count = 0;
    const std::size_t most = std::clamp<std::size_t>(column_bytes(context_) / (replay.samples() * stride * sizeof(float)), 1, positions_);
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
    const auto weights = float_values(tensor);
    const bool centered = !op.bias.empty() && index_.initializer(op.bias) != nullptr;
    const double signal = energy(view, weights, x, count, false);
    if (!(signal > 0)) return;
    auto& options = choice.options;
    parallel_for(context_, options.size(), [&](std::size_t i, unsigned) {
      const auto& encoding = options[i].encoding;
      const IntegerRange range = integer_range(encoding.type);
      std::vector<float> error(x.size());
      double own = 0;
      for (std::size_t k = 0; k < x.size(); ++k) {
        const float quantized = fake_quantize(x[k], encoding, range);
        error[k] = x[k] - quantized;
        own += own_error(x[k], quantized, encoding, choice.weights);
      }
      own /= static_cast<double>(x.size());
      options[i].error += scaled_to_all(options[i], energy(view, weights, error, count, centered) / signal, own);
    });
  }

  // sum |W x|^2 over columns and rows; less the rows' means where centered.
  static double energy(const ColumnView& view, std::span<const float> weights, std::span<const float> x, std::size_t count, bool centered) {
    double sum = 0;
    std::vector<float> part(count * view.length());
    for (std::size_t group = 0; group < view.groups(); ++group) {
      for (std::size_t n = 0; n < count; ++n) {
        const auto from = x.begin() + static_cast<std::ptrdiff_t>((n * view.groups() + group) * view.length());
        std::copy_n(from, view.length(), part.begin() + static_cast<std::ptrdiff_t>(n * view.length()));
      }
      Matrix response(view.rows(), count);
      linalg().respond(view.weights(weights, group), part, count, response);
      for (std::size_t r = 0; r < response.rows; ++r) {
        double mean = 0, square = 0;
        for (const double value : response.row(r)) {
          mean += value;
          square += value * value;
        }
        sum += square - (centered ? mean * mean / static_cast<double>(count) : 0);
      }
    }
    return sum;
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
          const double off = exact - f(quantized);
          errors[i] += off * off;
          own[i] += own_error(values[k], quantized, encoding, choice.weights);
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
      const Option& chosen = best->error < 0.99 * options[0].error ? *best : options[0];
      for (const auto& member : plan_.placement.groups[g].members) {
        auto& encoding = plan_.encodings.activations.at(member);
        changed += static_cast<int>(member == plan_.placement.groups[g].members[0] && encoding.scale != chosen.encoding.scale);
        encoding = chosen.encoding;
      }
    }
    widen_pool_scales(index_, plan_.placement, plan_.encodings);
    protect_biases(plan_.model, plan_.placement, plan_.encodings, context_);  // input scales may have become smaller
    shorten_multipliers(index_, plan_.placement, plan_.encodings);
    return changed;
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
  const std::size_t columns = std::min(largest_columns(plan.model.proto, plan.placement, samples, positions), column_bytes(context));
  return samples * live + (1 + 2 * std::min<std::size_t>(context.threads, most_options)) * columns;
}

int select_ranges(Plan& plan, const Statistics& statistics, const OptimizeInput& input, std::size_t positions, const Context& context) {
  return RangeSearch(plan, statistics, input, positions, context).run();
}

}  // namespace quantize
