#include "optimize/equalize.h"

#include <algorithm>

#include "base/error.h"
#include "model/edit.h"
#include "optimize/channel_classes.h"
#include "optimize/columns.h"

namespace quantize {
namespace {

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
  const std::size_t taps = view.taps(), channels = view.length() / taps;
  if (!in.empty() && in.size() != view.groups() * channels) throw Error(ErrorKind::internal, "a factor for each channel of another tensor");
  for (std::size_t group = 0; group < view.groups(); ++group) {
    Matrix weights = view.weights(values, group);
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

int equalize(Model& model, const Statistics& statistics, double strength, double room_below_clips) {
  ChannelClasses classes(model, statistics, room_below_clips);
  struct Change {
    int node;
    const WeightedOp* op;
    std::vector<double> in, out;
  };
  std::vector<Change> changes;
  int scaled = 0;
  for (const auto& [node, op] : classes.convolutions()) {
    Change change{node, &op, classes.factors(op.input, strength), classes.factors(op.output, strength)};
    if (!scales(change.in)) change.in.clear();  // a frozen tensor's channels may have been miscounted
    scaled += static_cast<int>(std::count_if(change.out.begin(), change.out.end(), [](double factor) { return factor != 1; }));
    changes.push_back(std::move(change));
  }
  for (const auto& change : changes) {
    if (!change.in.empty() || scales(change.out)) scale_operator(model, model.graph().node(change.node), *change.op, change.in, change.out);
  }
  return scaled;
}

}  // namespace quantize
