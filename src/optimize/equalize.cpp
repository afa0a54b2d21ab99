#include "optimize/equalize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/columns.h"

namespace quantize {
namespace {

constexpr double smallest_ratio = 1.0 / 256;  // of a channel's range to its tensor's: weights must not be driven apart without limit

// Every (tensor, channel) that can be scaled, joined into classes that share a factor.
class ChannelClasses {
 public:
  ChannelClasses(const Model& model, const Placement& placement, const Statistics& statistics)
      : graph_(model.graph()), index_(graph_), statistics_(statistics) {
    for (const auto& weighted : placement.weighted) {
      ops_[weighted.node] = &weighted.op;
      ++weight_readers_[weighted.op.weight];
      if (!weighted.op.bias.empty()) ++weight_readers_[weighted.op.bias];
    }
    count_channels();
    for (int i = 0; i < graph_.node_size(); ++i) connect(i);
    for (const auto* input : fed_inputs(graph_)) freeze(input->name());
    for (const auto& output : graph_.output()) freeze(output.name());
  }

  // Factors of the channels of `tensor`; empty where the tensor is not scaled.
  std::vector<double> factors(const std::string& tensor, double strength) {
    if (ratios_.empty()) measure();
    const auto found = first_.find(tensor);
    if (found == first_.end()) return {};
    std::vector<double> result(static_cast<std::size_t>(channels_.at(tensor)), 1.0);
    for (std::size_t c = 0; c < result.size(); ++c) {
      const int root_id = root(found->second + static_cast<int>(c));
      const double ratio = ratios_[static_cast<std::size_t>(root_id)];
      if (!frozen_.contains(root_id) && ratio > 0) result[c] = std::pow(std::max(ratio, smallest_ratio), strength);
    }
    return result;
  }

 private:
  // Channels of each tensor, followed from operator to operator; tensors of unknown channel count take no part.
  void count_channels() {
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto& node = graph_.node(i);
      if (const auto found = ops_.find(i); found != ops_.end()) {
        const auto& op = *found->second;
        if (node.op_type() == "Conv" || node.op_type() == "ConvTranspose") {
          set_channels(op.output, op.outputs);
          set_channels(op.input, input_channels(node, op));
        }
      } else if (keeps_channels(node) || node.op_type() == "Add") {
        if (channels_.contains(node.input(0))) set_channels(node.output(0), channels_[node.input(0)]);
      } else if (is_channel_concat(node)) {
        int sum = 0;
        for (const auto& name : node.input()) sum += channels_.contains(name) ? channels_[name] : -1000000;
        if (sum > 0) set_channels(node.output(0), sum);
      }
    }
  }

  int input_channels(const onnx::NodeProto& node, const WeightedOp& op) const {
    const auto shape = shape_of(*index_.initializer(op.weight));
    return static_cast<int>(node.op_type() == "Conv" ? shape[1] * op.groups : shape[0]);
  }

  void set_channels(const std::string& tensor, int count) {
    if (!channels_.try_emplace(tensor, count).second) return;
    first_[tensor] = static_cast<int>(parents_.size());
    for (int c = 0; c < count; ++c) parents_.push_back(static_cast<int>(parents_.size()));
  }

  // f(s x) = s f(x) per channel for every s > 0, channels staying where they are.
  static bool keeps_channels(const onnx::NodeProto& node) {
    static const std::set<std::string> types = {"Relu",          "LeakyRelu", "MaxPool",  "AveragePool", "GlobalAveragePool",
                                                "GlobalMaxPool", "Resize",    "Identity", "Dropout"};
    // That Resize mode fills in a constant, which does not scale along.
    return types.contains(node.op_type()) && string_attribute(node, "coordinate_transformation_mode", "") != "tf_crop_and_resize";
  }

  static bool is_convolution(const onnx::NodeProto& node) { return node.op_type() == "Conv" || node.op_type() == "ConvTranspose"; }

  static bool is_channel_concat(const onnx::NodeProto& node) { return node.op_type() == "Concat" && int_attribute(node, "axis", 0) == 1; }

  void connect(int number) {
    const auto& node = graph_.node(number);
    if (const auto found = ops_.find(number); found != ops_.end() && is_convolution(node) && can_scale(*found->second)) return;
    if (keeps_channels(node) && node.output_size() == 1) return unite(node.input(0), 0, node.output(0), 0);
    if (node.op_type() == "Add" && index_.constant(node.input(0)) == nullptr && index_.constant(node.input(1)) == nullptr &&
        channels_.contains(node.input(0)) && channels_.contains(node.input(1)) && channels_[node.input(0)] == channels_[node.input(1)]) {
      unite(node.input(0), 0, node.output(0), 0);
      return unite(node.input(1), 0, node.output(0), 0);
    }
    if (is_channel_concat(node) && channels_.contains(node.output(0))) {
      int offset = 0;
      for (const auto& name : node.input()) {
        unite(name, 0, node.output(0), offset);
        offset += channels_[name];
      }
      return;
    }
    for (const auto& name : node.input()) freeze(name);
    for (const auto& name : captured_tensors(node)) freeze(name);
    for (const auto& name : node.output()) freeze(name);
  }

  // Weight and bias must be this operator's own.
  bool can_scale(const WeightedOp& op) const {
    if (weight_readers_.at(op.weight) > 1 || index_.uses(op.weight).size() > 1) return false;
    return op.bias.empty() || (index_.initializer(op.bias) != nullptr && index_.uses(op.bias).size() == 1);
  }

  int root(int id) {
    while (parents_[static_cast<std::size_t>(id)] != id) {
      auto& parent = parents_[static_cast<std::size_t>(id)];
      parent = parents_[static_cast<std::size_t>(parent)];
      id = parent;
    }
    return id;
  }

  // Channels 0.. of a, from `from_a` on, with those of b from `from_b` on; as many as the shorter side has.
  void unite(const std::string& a, int from_a, const std::string& b, int from_b) {
    if (!channels_.contains(a) || !channels_.contains(b)) {
      freeze(a);
      freeze(b);
      return;
    }
    const int count = std::min(channels_[a] - from_a, channels_[b] - from_b);
    for (int c = 0; c < count; ++c) {
      const int x = root(first_[a] + from_a + c), y = root(first_[b] + from_b + c);
      if (x == y) continue;
      parents_[static_cast<std::size_t>(std::max(x, y))] = std::min(x, y);
    }
  }

  void freeze(const std::string& tensor) {
    const auto found = first_.find(tensor);
    if (found == first_.end()) return;
    for (int c = 0; c < channels_[tensor]; ++c) to_freeze_.push_back(found->second + c);
  }

  // Largest ratio of each class over the tensors it occurs in: no channel may outgrow its tensor.
  void measure() {
    ratios_.assign(parents_.size(), 0.0);
    for (const auto& [tensor, first] : first_) {
      const auto found = statistics_.find(tensor);
      if (found == statistics_.end() || found->second.channels.size() != static_cast<std::size_t>(channels_[tensor])) continue;
      const auto reach = [](float min, float max) {
        return std::max(std::fabs(static_cast<double>(min)), std::fabs(static_cast<double>(max)));
      };
      const double whole = reach(found->second.min, found->second.max);
      for (std::size_t c = 0; c < found->second.channels.size() && whole > 0; ++c) {
        auto& ratio = ratios_[static_cast<std::size_t>(root(first + static_cast<int>(c)))];
        ratio = std::max(ratio, reach(found->second.channels[c].min, found->second.channels[c].max) / whole);
      }
    }
    for (const int id : to_freeze_) frozen_.insert(root(id));
  }

  const onnx::GraphProto& graph_;
  GraphIndex index_;
  const Statistics& statistics_;
  std::map<int, const WeightedOp*> ops_;
  std::map<std::string, int> weight_readers_;
  std::map<std::string, int> channels_, first_;
  std::vector<int> parents_, to_freeze_;
  std::vector<double> ratios_;
  std::set<int> frozen_;
};

bool scales(const std::vector<double>& factors) {
  return std::any_of(factors.begin(), factors.end(), [](double factor) { return factor != 1; });
}

// W[o, i] * input factor[i] / output factor[o], b[o] / output factor[o].
void scale_operator(Model& model, const onnx::NodeProto& node, const WeightedOp& op, const std::vector<double>& in,
                    const std::vector<double>& out) {
  auto& tensor = *find_initializer(model.graph(), op.weight);
  const Shape shape = shape_of(tensor);
  auto values = float_values(tensor);
  const ColumnView view(node, op, shape);
  const std::size_t channels = view.groups() > 0 && !in.empty() ? in.size() / view.groups() : 1;
  for (std::size_t group = 0; group < view.groups(); ++group) {
    Matrix weights = view.weights(values, group);
    const std::size_t taps = in.empty() ? 1 : view.length() / channels;
    for (std::size_t r = 0; r < weights.rows; ++r) {
      const double divisor = out.empty() ? 1 : out[group * view.rows() + r];
      for (std::size_t k = 0; k < weights.cols; ++k) weights(r, k) *= (in.empty() ? 1 : in[group * channels + k / taps]) / divisor;
    }
    view.store(weights, group, values);
  }
  put_initializer(model.graph(), make_tensor(op.weight, shape, values));
  if (op.bias.empty() || out.empty()) return;
  const auto& bias_tensor = *find_initializer(model.graph(), op.bias);
  auto bias = float_values(bias_tensor);
  for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = static_cast<float>(bias[o] / out[o]);
  put_initializer(model.graph(), make_tensor(op.bias, shape_of(bias_tensor), bias));
}

}  // namespace

int equalize(Model& model, const Placement& placement, const Statistics& statistics, double strength) {
  ChannelClasses classes(model, placement, statistics);
  struct Change {
    const WeightedNode* weighted;
    std::vector<double> in, out;
  };
  std::vector<Change> changes;
  int scaled = 0;
  for (const auto& weighted : placement.weighted) {
    Change change{&weighted, classes.factors(weighted.op.input, strength), classes.factors(weighted.op.output, strength)};
    scaled += static_cast<int>(std::count_if(change.out.begin(), change.out.end(), [](double factor) { return factor != 1; }));
    changes.push_back(std::move(change));
  }
  for (const auto& change : changes) {
    if (scales(change.in) || scales(change.out))
      scale_operator(model, model.graph().node(change.weighted->node), change.weighted->op, change.in, change.out);
  }
  return scaled;
}

}  // namespace quantize
