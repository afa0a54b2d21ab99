#include "mixed/cost.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "model/graph.h"
#include "model/tensor.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {

std::vector<double> count_operations(const Model& model, const Placement& placement, const LoadSample& load) {
  const GraphIndex index(model.graph());
  std::vector<std::string> names;
  std::set<std::string> present;
  for (const auto& weighted : placement.weighted) {
    for (const auto& name : {weighted.op.input, weighted.op.output}) {
      if (present.insert(name).second) names.push_back(name);
    }
  }
  const auto shapes = Session(with_shape_outputs(model.proto, names)).run(load(0));
  std::map<std::string, double> elements;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto dimensions = shapes[i].as<std::int64_t>();
    elements[names[i]] = static_cast<double>(element_count(Shape(dimensions.begin(), dimensions.end())));
  }
  std::vector<double> operations;
  for (const auto& [number, op] : placement.weighted) {
    const auto shape = shape_of(*index.initializer(op.weight));
    const auto weights = static_cast<double>(element_count(shape));
    const auto& type = index.node(number).op_type();
    // Every input element of a transposed convolution meets the weights of its channel; every output element of the others a column, of
    // the one matrix where a MatMul has a batch of them.
    if (type == "ConvTranspose") {
      operations.push_back(elements[op.input] * weights / static_cast<double>(shape[0]));
    } else if (type == "MatMul") {
      operations.push_back(elements[op.output] * static_cast<double>(shape[shape.size() - 2]));
    } else {
      operations.push_back(elements[op.output] * weights / std::max(1, op.outputs));
    }
  }
  return operations;
}

CostModel::CostModel(const Model& model, const Placement& placement, const Scheme& scheme, const Speed& speed,
                     std::vector<double> operations, std::uint64_t base_bytes, std::uint64_t fp32_bytes)
    : scheme_(scheme), speed_(speed), base_bytes_(static_cast<double>(base_bytes)), fp32_bytes_(static_cast<double>(fp32_bytes)) {
  const GraphIndex index(model.graph());
  groups_ = placement.groups.size();
  for (std::size_t g = 0; g < groups_; ++g) {
    for (const auto& member : placement.groups[g].members) group_of_[member] = g;
  }
  std::map<std::string, std::size_t> numbers;  // of weights
  for (std::size_t i = 0; i < placement.weighted.size(); ++i) {
    const auto& [number, op] = placement.weighted[i];
    Layer layer;
    layer.operations = operations[i];
    operations_ += operations[i];
    const auto [known, fresh] = numbers.try_emplace(op.weight, weights_.size());
    if (fresh) weights_.push_back({{}, static_cast<double>(element_count(shape_of(*index.initializer(op.weight))))});
    layer.weight = known->second;
    const auto& node = placement.decisions[static_cast<std::size_t>(number)].node;
    weights_[layer.weight].nodes.push_back(node);
    weight_of_[node] = layer.weight;
    const bool absorbs = !group_of_.contains(op.output) && scheme.activations == Symmetry::asymmetric;  // see absorbed_clamp.h
    const std::string result = absorbs ? behind_clamp(op.output, index) : op.output;
    for (const auto& tensor : {op.input, result}) {
      const auto found = group_of_.find(tensor);
      if (found == group_of_.end()) {
        layer.whole = false;
      } else {
        layer.activations.push_back(found->second);
      }
    }
    layers_.push_back(std::move(layer));
  }
}

CostModel::Bits CostModel::bits_of(const Assignment& assignment) const {
  Bits bits;
  for (const auto& weight : weights_) {
    int most = 0;
    for (const auto& node : weight.nodes) {
      const auto given = assignment.weights.find(node);
      most = std::max(most, given != assignment.weights.end() ? given->second : scheme_.weight_bits);
    }
    bits.weights.push_back(most);
  }
  bits.activations.assign(groups_, scheme_.activation_bits);
  for (const auto& [tensor, given] : assignment.activations) {
    if (const auto group = group_of_.find(tensor); group != group_of_.end()) bits.activations[group->second] = given;
  }
  return bits;
}

double CostModel::bytes_of(std::size_t weight, int bits) const { return weights_[weight].elements * (bits - scheme_.weight_bits) / 8.0; }

double CostModel::time_of(const Layer& layer, const Bits& bits) const {
  const int weight_bits = bits.weights[layer.weight];
  if (weight_bits == float_bits || !layer.whole) return layer.operations * speed_.floating;
  const bool wide = std::ranges::any_of(layer.activations, [&](std::size_t group) { return bits.activations[group] > 8; });
  return layer.operations * (wide ? speed_.wide : weight_bits == 4 ? speed_.bits4 : speed_.bits8);
}

Cost CostModel::total(const std::vector<double>& bytes, const std::vector<double>& times) const {
  const double all_bytes = std::accumulate(bytes.begin(), bytes.end(), base_bytes_);
  const double time = std::accumulate(times.begin(), times.end(), 0.0);
  return {all_bytes / fp32_bytes_, operations_ > 0 ? time / operations_ : 0};
}

Cost CostModel::of(const Assignment& assignment) const {
  const Bits bits = bits_of(assignment);
  std::vector<double> bytes, times;
  for (std::size_t w = 0; w < weights_.size(); ++w) bytes.push_back(bytes_of(w, bits.weights[w]));
  for (const auto& layer : layers_) times.push_back(time_of(layer, bits));
  return total(bytes, times);
}

RunningCost::RunningCost(const CostModel& model) : model_(model), bits_(model.bits_of({})) {
  layers_of_weight_.resize(bits_.weights.size());
  layers_of_group_.resize(bits_.activations.size());
  for (std::size_t w = 0; w < bits_.weights.size(); ++w) bytes_.push_back(model.bytes_of(w, bits_.weights[w]));
  for (std::size_t l = 0; l < model.layers_.size(); ++l) {
    const auto& layer = model.layers_[l];
    times_.push_back(model.time_of(layer, bits_));
    layers_of_weight_[layer.weight].push_back(l);
    for (const std::size_t group : layer.activations) {
      auto& layers = layers_of_group_[group];
      if (layers.empty() || layers.back() != l) layers.push_back(l);
    }
  }
  now_ = model.total(bytes_, times_);
}

int& RunningCost::bits_of(const Unit& unit) {
  return unit.kind == Unit::Kind::weights ? bits_.weights[model_.weight_of_.at(unit.name)]
                                          : bits_.activations[model_.group_of_.at(unit.name)];
}

const std::vector<std::size_t>& RunningCost::touched_by(const Unit& unit) const {
  return unit.kind == Unit::Kind::weights ? layers_of_weight_[model_.weight_of_.at(unit.name)]
                                          : layers_of_group_[model_.group_of_.at(unit.name)];
}

Cost RunningCost::added_by(const Unit& unit, int bits) {
  double bytes = 0, time = 0;
  if (unit.kind == Unit::Kind::weights) {
    const std::size_t weight = model_.weight_of_.at(unit.name);
    bytes = model_.bytes_of(weight, bits) - bytes_[weight];
  }
  int& now = bits_of(unit);
  const int before = std::exchange(now, bits);
  for (const std::size_t layer : touched_by(unit)) time += model_.time_of(model_.layers_[layer], bits_) - times_[layer];
  now = before;
  return {bytes / model_.fp32_bytes_, model_.operations_ > 0 ? time / model_.operations_ : 0};
}

Cost RunningCost::with(const Unit& unit, int bits) {
  const int before = bits_of(unit);
  raise(unit, bits);
  const Cost raised = now_;
  raise(unit, before);
  return raised;
}

void RunningCost::raise(const Unit& unit, int bits) {
  bits_of(unit) = bits;
  if (unit.kind == Unit::Kind::weights) {
    const std::size_t weight = model_.weight_of_.at(unit.name);
    bytes_[weight] = model_.bytes_of(weight, bits);
  }
  for (const std::size_t layer : touched_by(unit)) times_[layer] = model_.time_of(model_.layers_[layer], bits_);
  now_ = model_.total(bytes_, times_);
}

}  // namespace quantize
