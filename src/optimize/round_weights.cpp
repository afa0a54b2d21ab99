#include "optimize/round_weights.h"

#include <algorithm>

#include "model/edit.h"
#include "optimize/biases.h"
#include "optimize/columns.h"
#include "optimize/fit_layer.h"

namespace quantize {
namespace {

// Statistics of the tensor itself, or of the one whose values it received (pools and nearest Resize keep channels, and nearly their energy).
const TensorStatistics* statistics_for(const std::string& tensor, const Placement& placement, const Statistics& statistics) {
  if (const auto found = statistics.find(tensor); found != statistics.end()) return &found->second;
  for (const auto& group : placement.groups) {
    if (std::find(group.members.begin(), group.members.end(), tensor) == group.members.end() || group.sources.size() != 1) continue;
    const auto found = statistics.find(group.sources[0]);
    return found != statistics.end() ? &found->second : nullptr;
  }
  return nullptr;
}

bool round_layer(Plan& plan, const WeightedNode& weighted, const TensorStatistics& input) {
  const auto& [number, op] = weighted;
  const auto& tensor = *find_initializer(plan.model.graph(), op.weight);
  const Shape shape = shape_of(tensor);
  auto& encoding = plan.encodings.weights.at(op.weight);
  const ColumnView view(plan.model.graph().node(number), op, shape);
  const std::size_t channels = input.channels.size() / view.groups();
  if (input.channels.size() % view.groups() != 0 || channels == 0 || view.length() % channels != 0) return false;
  if (encoding.scale.size() != view.rows() * view.groups()) return false;

  const auto* bias_tensor = op.bias.empty() ? nullptr : find_initializer(plan.model.graph(), op.bias);
  auto bias = bias_tensor != nullptr ? float_values(*bias_tensor) : std::vector<float>{};
  const bool corrects = bias.size() == encoding.scale.size();
  const auto floors = least_scales(plan, op, bias, encoding.scale.size());
  const auto values = float_values(tensor);
  const IntegerRange range = integer_range(encoding.type, true);
  const FitSettings settings{.low = range.low, .high = range.high};
  const std::size_t taps = view.length() / channels, rows = view.rows();
  for (std::size_t group = 0; group < view.groups(); ++group) {
    std::vector<double> importance, mean;
    for (std::size_t k = 0; k < view.length(); ++k) {
      const auto& channel = input.channels[group * channels + k / taps];
      mean.push_back(channel.mean());
      importance.push_back(std::max(channel.mean_square() - (corrects ? mean.back() * mean.back() : 0), 1e-12));
    }
    const Matrix weights = view.weights(values, group);
    const std::vector<float> floor(floors.begin() + static_cast<std::ptrdiff_t>(group * rows), floors.begin() + static_cast<std::ptrdiff_t>((group + 1) * rows));
    const auto scales = search_scales(weights, importance, settings, floor);
    std::vector<Grid> grids;
    for (const float scale : scales) grids.push_back({static_cast<double>(scale), range.low, range.high});
    const Matrix rounded = round_to_grid(weights, grids);
    for (std::size_t r = 0; r < rows; ++r) {
      encoding.scale[group * rows + r] = scales[r];
      double lost = 0;
      for (std::size_t k = 0; k < mean.size(); ++k) lost += (weights(r, k) - rounded(r, k)) * mean[k];
      if (corrects) bias[group * rows + r] += static_cast<float>(lost);
    }
  }
  encoding.method = "least squares weighted by channel energy";
  if (corrects) put_initializer(plan.model.graph(), make_tensor(op.bias, {static_cast<std::int64_t>(bias.size())}, bias));
  return true;
}

}  // namespace

int round_weights(Plan& plan, const Statistics& statistics) {
  ensure_biases(plan);
  std::map<std::string, int> readers;
  for (const auto& weighted : plan.placement.weighted) ++readers[weighted.op.weight];
  int changed = 0;
  for (const auto& weighted : plan.placement.weighted) {
    const auto* input = statistics_for(weighted.op.input, plan.placement, statistics);
    if (input == nullptr || weighted.op.channel_axis < 0 || readers[weighted.op.weight] > 1) continue;
    changed += round_layer(plan, weighted, *input);
  }
  return changed;
}

}  // namespace quantize
