#include "prepare/affine_run.h"

namespace quantize {
namespace {

// Value by value; one value stands for as many as the other operand has.
template <typename Function>
std::vector<double> combined(const std::vector<double>& a, const std::vector<double>& b, Function function) {
  std::vector<double> result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = function(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
  return result;
}

// What an operator does to the tensor beside this constant; nothing for other operators, and where the constant is divided.
std::optional<ChannelAffine> map_of(const std::string& type, std::vector<double> constant, bool constant_is_second) {
  if (type == "Mul") return ChannelAffine{std::move(constant), {0.0}};
  if (type == "Add") return ChannelAffine{{1.0}, std::move(constant)};
  if (type == "Sub" && !constant_is_second) return ChannelAffine{{-1.0}, std::move(constant)};
  if ((type != "Sub" && type != "Div") || !constant_is_second) return {};
  for (auto& value : constant) value = type == "Sub" ? -value : 1 / value;
  return type == "Sub" ? ChannelAffine{{1.0}, std::move(constant)} : ChannelAffine{std::move(constant), {0.0}};
}

}  // namespace

ChannelAffine composed(const ChannelAffine& first, const ChannelAffine& second) {
  const auto times = [](double a, double b) { return a * b; };
  const auto plus = [](double a, double b) { return a + b; };
  return {combined(first.scale, second.scale, times), combined(combined(first.shift, second.scale, times), second.shift, plus)};
}

// A free dimension might be one, which the constant would widen.
std::optional<int> AffineRuns::axis_of(const onnx::TensorProto& constant, const std::string& tensor) const {
  const auto& shape = types_.of(tensor).shape;
  if (!shape || constant.dims_size() > std::ssize(*shape)) return {};
  int axis = 0;
  for (int i = 0; i < constant.dims_size(); ++i) {
    if (constant.dims(i) == 1) continue;
    if (axis != 0) return {};
    axis = i - constant.dims_size();
    const auto dimension = (*shape)[shape->size() - static_cast<std::size_t>(-axis)];
    if (constant.dims(i) < 1 || dimension != constant.dims(i)) return {};
  }
  return axis;
}

std::optional<AffineRun> AffineRuns::single(int number) const {
  const auto& node = index_.node(number);
  if (!may_replace(node, is_kept_) || node.input_size() != 2) return {};
  const bool constant_is_second = index_.initializer(node.input(1)) != nullptr;
  const auto* constant = index_.initializer(node.input(constant_is_second ? 1 : 0));
  const std::string& tensor = node.input(constant_is_second ? 0 : 1);
  if (constant == nullptr || constant->data_type() != onnx::TensorProto::FLOAT || index_.initializer(tensor) != nullptr) return {};
  const auto axis = axis_of(*constant, tensor);
  if (!axis) return {};
  auto map = map_of(node.op_type(), double_values(*constant), constant_is_second);
  if (!map || !map->is_finite()) return {};
  return AffineRun{{number}, tensor, node.output(0), std::move(*map), *axis};
}

AffineRun AffineRuns::starting_at(int node) const {
  auto run = single(node);
  if (!run) return {};
  for (auto use = index_.only_use(run->output); use; use = index_.only_use(run->output)) {
    const auto next = use->input >= 0 ? single(use->node) : std::nullopt;
    if (!next) break;
    const bool both_vary = next->axis != 0 && run->axis != 0;
    if (both_vary && (next->axis != run->axis || next->count() != run->count())) break;
    auto map = composed(run->map, next->map);
    if (!map.is_finite()) break;
    run->map = std::move(map);
    run->nodes.push_back(use->node);
    run->output = next->output;
    if (next->axis != 0) run->axis = next->axis;
  }
  return *run;
}

AffineRun AffineRuns::behind(const std::string& tensor) const {
  const auto use = index_.only_use(tensor);
  auto run = use && use->input >= 0 ? starting_at(use->node) : AffineRun{};
  if (run.nodes.empty()) run.input = run.output = tensor;
  return run;
}

}  // namespace quantize
