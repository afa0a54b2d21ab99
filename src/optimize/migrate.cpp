#include "optimize/migrate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "base/parallel.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/columns.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

class Places {
 public:
  Places(const onnx::GraphProto& graph, const std::map<int, WeightedOp>& ops) : index_(graph), ops_(ops) {}

  [[nodiscard]] std::vector<Migration::Place> find() const {
    std::vector<Migration::Place> places;
    for (int i = 0; i < index_.graph().node_size(); ++i) {
      const auto& node = index_.node(i);
      if (node.output_size() == 0) continue;
      Migration::Place place{node.output(0), {}, readers_of(node.output(0))};
      if (place.readers.empty()) continue;
      const std::size_t channels = columns(place.readers[0]);
      const bool alike = std::all_of(place.readers.begin(), place.readers.end(), [&](int r) { return columns(r) == channels; });
      place.divided = constants_of(node, channels);
      place.largest.resize(channels);
      if (alike && !place.divided.empty()) places.push_back(std::move(place));
    }
    return places;
  }

 private:
  // The products that read `tensor`, if nothing else does. A Reshape in between moves nothing: a product of as many columns as there are
  // channels finds them in the same order.
  [[nodiscard]] std::vector<int> readers_of(const std::string& tensor) const {
    std::vector<int> readers;
    if (index_.is_graph_output(tensor)) return {};
    for (const auto& use : index_.uses(tensor)) {
      if (use.input == 0 && index_.node(use.node).op_type() == "Reshape") {
        const auto behind = readers_of(index_.node(use.node).output(0));
        if (behind.empty()) return {};
        readers.insert(readers.end(), behind.begin(), behind.end());
        continue;
      }
      const auto op = ops_.find(use.node);
      const bool product = op != ops_.end() && use.input == 0 && op->second.channel_axis >= 0 && is_product(index_.node(use.node));
      if (!product || index_.uses(op->second.weight).size() != 1) return {};
      readers.push_back(use.node);
    }
    return readers;
  }

  static bool is_product(const onnx::NodeProto& node) {
    return node.op_type() == "MatMul" || (node.op_type() == "Gemm" && int_attribute(node, "transA", 0) == 0);
  }

  [[nodiscard]] std::size_t columns(int reader) const {
    const auto& op = ops_.at(reader);
    return ColumnView(index_.node(reader), op, shape_of(*index_.initializer(op.weight))).length();
  }

  // Constants of the node that its output is proportional to, channel by channel; none where it is of another kind.
  [[nodiscard]] std::vector<std::string> constants_of(const onnx::NodeProto& node, std::size_t channels) const {
    if (node.op_type() == "LayerNormalization") {
      const auto axis = int_attribute(node, "axis", -1);
      std::vector<std::string> constants(node.input().begin() + 1, node.input().end());
      const bool last = axis == -1 && node.output_size() == 1;
      return last && std::all_of(constants.begin(), constants.end(), [&](const auto& name) { return is_per_channel(name, channels); })
                 ? constants
                 : std::vector<std::string>{};
    }
    if ((node.op_type() != "Mul" && node.op_type() != "Add") || node.input_size() != 2) return {};
    const int constant = is_per_channel(node.input(1), channels) ? 1 : is_per_channel(node.input(0), channels) ? 0 : -1;
    if (constant < 0) return {};
    if (node.op_type() == "Mul") return {node.input(constant)};
    // A sum is proportional where both its parts are: Add(Mul(n, g), b).
    const auto& other = node.input(1 - constant);
    const int producer = index_.producer_number(other);
    if (producer < 0 || index_.node(producer).op_type() != "Mul" || !index_.only_use(other)) return {};
    auto constants = constants_of(index_.node(producer), channels);
    if (!constants.empty()) constants.push_back(node.input(constant));
    return constants;
  }

  // An initializer of this node's own, one value per channel along the last axis.
  [[nodiscard]] bool is_per_channel(const std::string& name, std::size_t channels) const {
    const auto* tensor = index_.initializer(name);
    if (tensor == nullptr || index_.uses(name).size() != 1 || tensor->data_type() != onnx::TensorProto::FLOAT) return false;
    const Shape shape = shape_of(*tensor);
    return !shape.empty() && shape.back() == static_cast<std::int64_t>(channels) && element_count(shape) == shape.back();
  }

  const GraphIndex index_;
  const std::map<int, WeightedOp>& ops_;
};

void scale_values(onnx::GraphProto& graph, const std::string& name, const std::function<double(std::size_t)>& factor) {
  const auto& tensor = *find_initializer(graph, name);
  auto values = float_values(tensor);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(values[i] * factor(i));
  put_initializer(graph, make_tensor(name, shape_of(tensor), values));
}

// visit(channel of the product's input, value) for every value of its weight; whether it changes one is up to it.
void each_weight(onnx::GraphProto& graph, int reader, const WeightedOp& op, const std::function<void(std::size_t, double&)>& visit) {
  const auto& tensor = *find_initializer(graph, op.weight);
  const Shape shape = shape_of(tensor);
  const ColumnView view(graph.node(reader), op, shape);
  auto values = float_values(tensor);
  Matrix weights = view.weights(values, 0);
  for (std::size_t i = 0; i < weights.values.size(); ++i) visit(i % weights.cols, weights.values[i]);
  view.store(weights, 0, values);
  put_initializer(graph, make_tensor(op.weight, shape, values));
}

void raise(double& largest, double value) { largest = std::max(largest, std::fabs(value)); }

}  // namespace

Migration::Migration(const Plan& plan, const OptimizeInput& input, const Context& context) {
  for (const auto& [number, op] : plan.placement.weighted) ops_[number] = op;
  places_ = Places(plan.model.graph(), ops_).find();
  if (places_.empty()) return;
  std::vector<ChannelTap> taps;
  for (const auto& place : places_) taps.push_back({place.tensor, static_cast<std::int64_t>(place.largest.size())});
  const Session session(with_largest_by_channel(plan.model.proto, taps), {.threads = 1});
  std::vector<std::vector<Tensor>> seen(input.samples);
  parallel_for_samples(context, input.samples, [&](std::size_t sample, unsigned) { seen[sample] = session.run(input.load(sample)); });
  for (const auto& largest : seen) {
    for (std::size_t p = 0; p < places_.size(); ++p) {
      const auto values = largest[p].as<float>();
      for (std::size_t c = 0; c < values.size(); ++c) raise(places_[p].largest[c], values[c]);
    }
  }
}

int Migration::apply(Model& model, double strength) const {
  auto& graph = model.graph();
  int scaled = 0;
  for (const auto& place : places_) {
    const std::size_t channels = place.largest.size();
    std::vector<double> weight(channels), factor(channels, 1.0);
    for (const int reader : place.readers) {
      each_weight(graph, reader, ops_.at(reader), [&](std::size_t c, double& value) { raise(weight[c], value); });
    }
    for (std::size_t c = 0; c < channels; ++c) {
      if (place.largest[c] > 0 && weight[c] > 0) factor[c] = std::pow(place.largest[c], strength) / std::pow(weight[c], 1 - strength);
      scaled += static_cast<int>(factor[c] != 1);
    }
    for (const auto& name : place.divided) {
      scale_values(graph, name, [&](std::size_t i) { return 1 / factor[i % channels]; });
    }
    for (const int reader : place.readers) {
      each_weight(graph, reader, ops_.at(reader), [&](std::size_t c, double& value) { value *= factor[c]; });
    }
  }
  return scaled;
}

}  // namespace quantize
