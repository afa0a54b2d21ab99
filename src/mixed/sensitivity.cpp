#include "mixed/sensitivity.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/parallel.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/replay.h"

namespace quantize {
namespace {

// Quantized and dequantized again.
Tensor rounded(const Tensor& tensor, const Encoding& encoding) {
  Tensor result = tensor;
  std::ranges::copy(rounded_values(tensor.as<float>(), tensor.shape, encoding), result.as<float>().begin());
  return result;
}

// What of the network is left to run, from the tensors that a replay keeps to `output`.
class Rest {
 public:
  Rest(const Extractor& model, const Replay& replay, const std::string& changed, const std::string& output) {
    std::vector<std::string> given = {changed};
    for (const auto& [name, tensor] : replay.kept(0)) {
      if (name != changed) given.push_back(name);
    }
    auto part = model.part(given, {&output, 1});
    std::set<std::string> read;
    for (const auto& node : part.graph().node()) read.merge(tensors_read_by(node));
    auto& inputs = *part.mutable_graph()->mutable_input();
    for (int i = inputs.size() - 1; i >= 0; --i) {
      if (!read.contains(inputs[i].name())) inputs.DeleteSubrange(i, 1);
    }
    reaches_output_ = read.contains(changed);
    if (!reaches_output_) return;
    for (auto& value : inputs) {
      const auto kept = replay.kept(0).find(value.name());
      const auto type = kept != replay.kept(0).end() ? kept->second.type : onnx::TensorProto::FLOAT;
      value.mutable_type()->mutable_tensor_type()->set_elem_type(type);
    }
    session_.emplace(part, SessionOptions{.threads = 1, .fuse_quantized = false});
  }

  [[nodiscard]] bool reaches_output() const { return reaches_output_; }
  [[nodiscard]] Tensor run(const Replay& replay, std::size_t sample, const std::string& changed, const Tensor& value) const {
    std::vector<Tensor> tensors;
    for (const auto& spec : session_->inputs()) tensors.push_back(spec.name == changed ? value : replay.value(sample, spec.name));
    return std::move(session_->run(tensors)[0]);
  }

 private:
  bool reaches_output_ = false;
  std::optional<Session> session_;
};

class Meter {
 public:
  Meter(const Model& fp32, const Plan& plan, std::vector<Unit> units, std::size_t samples, const SensitivityInput& input,
        const Context& context)
      : fp32_(fp32),
        plan_(plan),
        units_(std::move(units)),
        index_(fp32.graph()),
        fp32_parts_(fp32.proto),
        plan_parts_(plan.model.proto),
        context_(context),
        load_([&input, samples](std::size_t i) { return input.load(i * input.available / samples); }),
        reference_(fp32.proto, load_, samples, input.axis, context),
        replay_(fp32.proto, load_, samples, context),
        output_(fp32.graph().output(0).name()),
        comparisons_(units_.size()) {
    std::map<std::string, std::size_t> unit_of;  // by weight
    for (std::size_t u = 0; u < units_.size(); ++u) {
      if (units_[u].kind == Unit::Kind::weights) {
        unit_of[plan.placement.weighted[units_[u].place].op.weight] = u;
      } else {
        for (const auto& source : plan.placement.groups[units_[u].place].sources) activations_[source].push_back(u);
      }
    }
    for (const auto& weighted : plan.placement.weighted) weights_[weighted.node] = {&weighted.op, unit_of.at(weighted.op.weight)};
  }

  std::vector<Sensitivity> run() {
    const auto progress = context_.step("sensitivity", units_.size());
    for (const auto* input : fed_inputs(fp32_.graph())) visit(-1, input->name(), *progress);
    for (int node = 0; node < fp32_.graph().node_size(); ++node) {
      if (const auto found = weights_.find(node); found != weights_.end()) change_weights(node, *found->second.op, found->second.unit);
      for (const auto& tensor : fp32_.graph().node(node).output()) visit(node, tensor, *progress);
    }
    std::vector<Sensitivity> rows;
    std::vector<std::string> names(reference_.samples());
    for (std::size_t u = 0; u < units_.size(); ++u) {
      auto& comparisons = comparisons_[u];
      if (comparisons.size() == 0) {  // nothing reads it
        comparisons = Comparisons(reference_.samples());
        for (std::size_t i = 0; i < comparisons.size(); ++i)
          comparisons.add(i, reference_.output(i), reference_.output(i), reference_.axis());
      }
      Energy all;
      for (std::size_t i = 0; i < comparisons.size(); ++i) all.add(comparisons[i].energy);
      rows.push_back({units_[u], comparisons.summarize(names), all.signal > 0 ? all.error / all.signal : 0});
    }
    return rows;
  }

 private:
  struct Changed {
    std::size_t unit;
    std::vector<Tensor> values;  // per sample
  };
  struct Weights {
    const WeightedOp* op;
    std::size_t unit;
  };

  void change_weights(int number, const WeightedOp& op, std::size_t unit) {
    const std::string result = behind_clamp(fp32_.graph().node(number).output(0), index_);
    replay_.advance_to(number);
    std::vector<std::string> given;
    for (const auto& name : plan_.model.graph().node(number).input()) {
      if (replay_.kept(0).contains(name) && std::find(given.begin(), given.end(), name) == given.end()) given.push_back(name);
    }
    auto part = plan_parts_.part(given, {&result, 1});
    const auto& weight = *find_initializer(*part.mutable_graph(), op.weight);
    const Tensor changed = rounded(from_proto(weight), plan_.encodings.weights.at(op.weight));
    put_initializer(*part.mutable_graph(), to_proto(op.weight, changed));
    const Session session(part, {.threads = 1, .fuse_quantized = false});
    Changed entry{unit, std::vector<Tensor>(replay_.samples())};
    parallel_for_samples(context_, replay_.samples(), [&](std::size_t i, unsigned) {
      std::vector<Tensor> inputs;
      for (const auto& spec : session.inputs()) inputs.push_back(replay_.value(i, spec.name));
      entry.values[i] = std::move(session.run(inputs)[0]);
    });
    pending_[result].push_back(std::move(entry));
  }

  // Runs what comes after `tensor`, made by node number `node`, once for each unit that changes it.
  void visit(int node, const std::string& tensor, Progress& progress) {
    auto changes = std::move(pending_[tensor]);
    pending_.erase(tensor);
    const auto found = activations_.find(tensor);
    if (changes.empty() && found == activations_.end()) return;
    replay_.advance_to(node + 1);
    const bool is_output = tensor == output_, is_kept = replay_.kept(0).contains(tensor);
    std::optional<Rest> rest;
    if (is_kept && !is_output && index_.producer_number(output_) > node) rest.emplace(fp32_parts_, replay_, tensor, output_);
    // `change`: of a sample, what becomes of the tensor.
    const auto compare = [&](std::size_t unit, const auto& change) {
      Comparisons results(replay_.samples());
      parallel_for_samples(context_, replay_.samples(), [&](std::size_t i, unsigned) {
        const bool runs = rest && rest->reaches_output();
        results.add(i, reference_.output(i),
                    is_output ? change(i)
                    : runs    ? rest->run(replay_, i, tensor, change(i))
                              : reference_.output(i),
                    reference_.axis());
      });
      keep(unit, results);
      progress.tick();
    };
    for (auto& [unit, values] : changes) {
      compare(unit, [&kept = values](std::size_t i) { return std::move(kept[i]); });
    }
    if (found == activations_.end() || (!is_output && !is_kept)) return;
    const auto& encoding = plan_.encodings.activations.at(tensor);
    for (const std::size_t unit : found->second) {
      compare(unit, [&](std::size_t i) { return rounded(is_output ? reference_.output(i) : replay_.value(i, tensor), encoding); });
    }
  }

  // Several sources of one group, several readers of one weight: their errors, small and unrelated, add up.
  void keep(std::size_t unit, Comparisons& results) {
    auto& kept = comparisons_[unit];
    if (kept.size() == 0) {
      kept = std::move(results);
      return;
    }
    for (std::size_t i = 0; i < kept.size(); ++i) {
      kept[i].energy.error += results[i].energy.error;
      kept[i].agreement = std::max(0.0, kept[i].agreement + results[i].agreement - 1);
    }
  }

  const Model& fp32_;
  const Plan& plan_;
  std::vector<Unit> units_;
  GraphIndex index_;
  const Extractor fp32_parts_, plan_parts_;
  const Context& context_;
  LoadSample load_;
  Reference reference_;
  Replay replay_;
  std::string output_;
  std::vector<Comparisons> comparisons_;  // per unit; empty where nothing was compared yet
  std::map<int, Weights> weights_;        // by node
  std::map<std::string, std::vector<std::size_t>> activations_;
  std::map<std::string, std::vector<Changed>> pending_;
};

std::size_t samples_that_fit(const SensitivityInput& input, std::size_t live, const Context& context) {
  const std::size_t fitting = std::min(input.memory_limit, context.working_memory) / std::max<std::size_t>(1, live);
  return std::clamp<std::size_t>(fitting, 1, std::max<std::size_t>(1, std::min(input.samples, input.available)));
}

}  // namespace

std::size_t sensitivity_bytes(const SensitivityInput& input, std::size_t live, std::size_t output, const Context& context) {
  return samples_that_fit(input, live, context) * (2 * live + output);
}

std::vector<Sensitivity> measure_sensitivity(const Model& fp32, const Plan& plan, const Scheme& scheme, const SensitivityInput& input,
                                             const Context& context) {
  const std::size_t samples = samples_that_fit(input, live_activation_bytes(fp32.proto, input.load(0), context), context);
  return Meter(fp32, plan, units_of(fp32, plan.placement, scheme), samples, input, context).run();
}

}  // namespace quantize
