#include "mixed/cost.h"

#include <algorithm>
#include <set>

#include "model/graph.h"
#include "model/tensor.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

int bits_of(const std::map<std::string, int>& given, const std::string& name, int otherwise) {
  const auto found = given.find(name);
  return found != given.end() ? found->second : otherwise;
}

}  // namespace

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
    // Every input element of a transposed convolution meets the weights of its channel; every output element of the others a column.
    if (index.node(number).op_type() == "ConvTranspose") {
      operations.push_back(elements[op.input] * weights / static_cast<double>(shape[0]));
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
  std::map<std::string, std::string> group_of;
  for (const auto& group : placement.groups) {
    for (const auto& member : group.members) group_of[member] = group.name();
  }
  std::set<std::string> counted;
  for (std::size_t i = 0; i < placement.weighted.size(); ++i) {
    const auto& [number, op] = placement.weighted[i];
    Layer layer;
    layer.node = placement.decisions[static_cast<std::size_t>(number)].node;
    layer.operations = operations[i];
    operations_ += operations[i];
    if (counted.insert(op.weight).second) layer.elements = static_cast<double>(element_count(shape_of(*index.initializer(op.weight))));
    const bool absorbs = !group_of.contains(op.output) && scheme.activations == Symmetry::asymmetric;  // see absorbed_clamp.h
    const std::string result = absorbs ? behind_clamp(op.output, index) : op.output;
    for (const auto& tensor : {op.input, result}) {
      const auto found = group_of.find(tensor);
      if (found == group_of.end()) {
        layer.whole = false;
      } else {
        layer.activations.push_back(found->second);
      }
    }
    layers_.push_back(std::move(layer));
  }
}

double CostModel::time_of(const Layer& layer, const Assignment& assignment) const {
  const int weight_bits = bits_of(assignment.weights, layer.node, scheme_.weight_bits);
  if (weight_bits == float_bits || !layer.whole) return layer.operations * speed_.floating;
  const bool wide = std::any_of(layer.activations.begin(), layer.activations.end(),
                                [&](const auto& tensor) { return bits_of(assignment.activations, tensor, scheme_.activation_bits) > 8; });
  return layer.operations * (wide ? speed_.wide : weight_bits == 4 ? speed_.bits4 : speed_.bits8);
}

Cost CostModel::of(const Assignment& assignment) const {
  double bytes = base_bytes_, time = 0;
  for (const auto& layer : layers_) {
    bytes += layer.elements * (bits_of(assignment.weights, layer.node, scheme_.weight_bits) - scheme_.weight_bits) / 8.0;
    time += time_of(layer, assignment);
  }
  return {bytes / fp32_bytes_, operations_ > 0 ? time / operations_ : 0};
}

}  // namespace quantize
