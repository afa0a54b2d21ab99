#include "optimize/absorb_bias.h"

#include <algorithm>
#include <map>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "optimize/columns.h"

namespace quantize {
namespace {

bool pads(const onnx::NodeProto& node) {
  const auto given = ints_attribute(node, "pads");
  const std::string automatic = string_attribute(node, "auto_pad", "NOTSET");
  return automatic.starts_with("SAME") || std::any_of(given.begin(), given.end(), [](std::int64_t pad) { return pad != 0; });
}

class Absorber {
 public:
  Absorber(Model& model, const Placement& placement, const Statistics& statistics)
      : model_(model), before_(model.graph()), index_(before_), statistics_(statistics) {
    for (const auto& [number, op] : placement.weighted) ops_[number] = &op;
  }

  int run() {
    int moved = 0;
    for (const auto& [number, op] : ops_) {
      const int relu = index_.only_reader(op->output);
      if (relu < 0 || index_.node(relu).op_type() != "Relu" || !has_own_bias(*op)) continue;
      const std::string result = index_.node(relu).output(0);
      const auto readers = plain_readers(result);
      const auto found = statistics_.find(result);
      if (readers.empty() || found == statistics_.end() || found->second.channels.size() != static_cast<std::size_t>(op->outputs)) continue;
      std::vector<double> shift;
      for (const auto& channel : found->second.channels) {
        const double low = channel.min, high = channel.max;
        shift.push_back(high > low ? std::max(0.0, low - (high - low)) : 0.0);
      }
      const auto count = std::count_if(shift.begin(), shift.end(), [](double value) { return value > 0; });
      if (count == 0) continue;
      add_to_bias(op->bias, shift, -1);
      for (const int reader : readers) add_to_bias(ops_.at(reader)->bias, response(reader, shift), 1);
      moved += static_cast<int>(count);
    }
    return moved;
  }

 private:
  bool has_own_bias(const WeightedOp& op) const {
    const auto* bias = op.bias.empty() ? nullptr : index_.initializer(op.bias);
    return bias != nullptr && index_.uses(op.bias).size() == 1 && is_channel_bias(*bias, op);
  }

  // All readers of `tensor`, if a constant added to a channel reaches every output of theirs alike; else none.
  std::vector<int> plain_readers(const std::string& tensor) const {
    std::vector<int> readers;
    if (index_.is_graph_output(tensor)) return {};
    for (const auto& use : index_.uses(tensor)) {
      const auto op = ops_.find(use.node);
      if (use.input != 0 || op == ops_.end() || op->second->channel_axis < 0) return {};
      const auto& node = index_.node(use.node);
      const bool plain = node.op_type() == "Gemm" || (node.op_type() == "Conv" && !pads(node));
      if (!plain || !has_own_bias(*op->second)) return {};
      readers.push_back(use.node);
    }
    return readers;
  }

  // W shift, per output channel.
  std::vector<double> response(int number, const std::vector<double>& shift) const {
    const auto& op = *ops_.at(number);
    const auto& tensor = *index_.initializer(op.weight);
    const ColumnView view(index_.node(number), op, shape_of(tensor));
    const auto values = float_values(tensor);
    const std::size_t channels = view.length() / view.taps();
    std::vector<double> result;
    for (std::size_t group = 0; group < view.groups(); ++group) {
      const Matrix weights = view.weights(values, group);
      for (std::size_t r = 0; r < weights.rows; ++r) {
        double sum = 0;
        for (std::size_t k = 0; k < weights.cols; ++k) sum += weights(r, k) * shift[group * channels + k / view.taps()];
        result.push_back(sum);
      }
    }
    return result;
  }

  void add_to_bias(const std::string& name, const std::vector<double>& change, double sign) {
    const auto& tensor = *find_initializer(model_.graph(), name);
    auto values = float_values(tensor);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(values[i] + sign * change[i]);
    put_initializer(model_.graph(), make_tensor(name, shape_of(tensor), values));
  }

  Model& model_;
  const onnx::GraphProto before_;
  const GraphIndex index_;
  const Statistics& statistics_;
  std::map<int, const WeightedOp*> ops_;
};

}  // namespace

int absorb_biases(Model& model, const Placement& placement, const Statistics& statistics) {
  return Absorber(model, placement, statistics).run();
}

}  // namespace quantize
