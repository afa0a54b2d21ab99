#include "encode/encodings.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/error.h"
#include "encode/hazards.h"
#include "encode/multiplier.h"
#include "encode/pool_scales.h"
#include "encode/weight_encodings.h"
#include "model/edit.h"
#include "model/graph.h"

namespace quantize {
namespace {

std::string method_name(const Scheme& scheme, const TensorGroup& group) {
  if (group.range_is_exact) return "fixed range";
  if (group.is_shares || has_room(scheme)) return "minmax with room";
  if (group.unclipped) return "minmax";
  switch (scheme.method) {
    case RangeMethod::automatic:
      return "weighted mse";
    case RangeMethod::percentile:
      return "percentile";
    case RangeMethod::mse:
      return "mse";
    case RangeMethod::entropy:
      return "entropy";
    case RangeMethod::minmax:
      break;
  }
  return "minmax";
}

// As many bits as the widest of the activations it meets.
Encoding encode_constant(const std::string& name, const GraphIndex& index, const Encodings& encodings, Scheme scheme) {
  bool wide = false, narrow = false;
  for (const auto& use : index.uses(name)) {
    const auto& node = index.node(use.node);
    for (const auto* tensors : {&node.input(), &node.output()}) {
      for (const auto& tensor : *tensors) {
        const auto found = encodings.activations.find(tensor);
        if (found == encodings.activations.end()) continue;
        (is_wide(found->second.type) ? wide : narrow) = true;
      }
    }
  }
  if (wide || narrow) scheme.activation_bits = wide ? 16 : 8;
  auto encoding = encode_range(range_of_values(float_values(*index.constant(name))), scheme.activation_type(), scheme.activations);
  encoding.method = "constant";
  return encoding;
}

// Where the range is not exact.
Range range_of_seen(const TensorGroup& group, const TensorStatistics& seen, const Scheme& scheme) {
  if (group.is_shares) return limit_range(roomy_range(seen), group, scheme.activation_bits);
  const bool as_seen = group.unclipped && !has_room(scheme);
  return limit_range(as_seen ? minmax_range(seen) : choose_range(seen, scheme, group.negative_weight), group, scheme.activation_bits);
}

// What calibration saw must not spoil it.
Range safe_range(const TensorGroup& group, const Statistics& statistics, const Scheme& scheme, Context& context) {
  if (group.range_is_exact) return group_range(group, statistics, scheme);
  const auto seen = group_statistics(group, statistics);
  return solve_activation_hazards(range_of_seen(group, seen, scheme), seen, group.distinct, group.name(), context);
}

}  // namespace

Range range_of_values(std::span<const float> values) {
  Range range;
  for (const float value : values) {
    range.low = std::min(range.low, static_cast<double>(value));
    range.high = std::max(range.high, static_cast<double>(value));
  }
  return range;
}

float usable_scale(double scale) {
  if (!(scale > 0)) return 1.0F;
  return static_cast<float>(std::max<double>(scale, FLT_MIN * 4.0));
}

bool is_byte(ElementType type) { return type == onnx::TensorProto::INT8 || type == onnx::TensorProto::UINT8; }
bool is_signed(ElementType type) {
  return type == onnx::TensorProto::INT4 || type == onnx::TensorProto::INT8 || type == onnx::TensorProto::INT16;
}
bool is_wide(ElementType type) { return type == onnx::TensorProto::INT16 || type == onnx::TensorProto::UINT16; }

double Encoding::low() const { return static_cast<double>(scale[0]) * (integer_range(type).low - zero_point[0]); }
double Encoding::high() const { return static_cast<double>(scale[0]) * (integer_range(type).high - zero_point[0]); }

IntegerRange Encoding::weight_range(std::size_t slice) const {
  return largest.empty() ? integer_range(type, true) : IntegerRange{-largest[slice], largest[slice]};
}

IntegerRange integer_range(ElementType type, bool symmetric_weight) {
  switch (type) {
    case onnx::TensorProto::INT4:
      return {-8, 7};
    case onnx::TensorProto::UINT4:
      return {0, 15};
    case onnx::TensorProto::INT8:
      return {symmetric_weight ? -127 : -128, 127};
    case onnx::TensorProto::UINT8:
      return {0, 255};
    case onnx::TensorProto::INT16:
      return {symmetric_weight ? -32767 : -32768, 32767};
    case onnx::TensorProto::UINT16:
      return {0, 65535};
    default:
      throw Error(ErrorKind::internal, "no integer range for " + type_name(type));
  }
}

Encoding encode_range(Range range, ElementType type, Symmetry symmetry) {
  const IntegerRange integers = integer_range(type);
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  Encoding encoding;
  encoding.type = type;
  if (symmetry == Symmetry::symmetric) {
    const int zero = is_signed(type) ? 0 : (integers.high + 1) / 2;
    encoding.scale = {usable_scale(std::max(high, -low) / (integers.high - zero))};
    encoding.zero_point = {zero};
    return encoding;
  }
  const double scale = usable_scale((high - low) / (static_cast<double>(integers.high) - integers.low));
  encoding.scale = {static_cast<float>(scale)};
  const double zero = integers.low - low / scale;
  encoding.zero_point = {static_cast<std::int32_t>(std::clamp<double>(std::nearbyint(zero), integers.low, integers.high))};
  return encoding;
}

Shape Encoding::scale_shape(const Shape& shape) const {
  if (block > 0) {
    Shape result = shape;
    result[axis] = (shape[axis] + block - 1) / block;
    return result;
  }
  return scale.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(scale.size())};
}

TensorStatistics group_statistics(const TensorGroup& group, const Statistics& statistics) {
  TensorStatistics all;
  for (const auto& source : group.sources) {
    const auto found = statistics.find(source);
    if (found == statistics.end()) throw Error(ErrorKind::internal, "no statistics for tensor '" + source + "'");
    all.merge(found->second);
  }
  if (group.distinct) all.confine(group.distinct->first, group.distinct->second);
  return all;
}

Range group_range(const TensorGroup& group, const Statistics& statistics, const Scheme& scheme) {
  if (group.range_is_exact) return {group.range->first, group.range->second};
  return range_of_seen(group, group_statistics(group, statistics), scheme);
}

Range limit_range(Range range, const TensorGroup& group, int bits) {
  const auto confine = [&] {  // a Relu or Clip saturates there anyway, so one step more would only lose resolution
    if (group.range) range = {std::max<double>(range.low, group.range->first), std::min<double>(range.high, group.range->second)};
  };
  confine();
  if (group.distinct) {
    const double low = std::max<double>(range.low, group.distinct->first), high = std::min<double>(range.high, group.distinct->second);
    const double half_a_step = (high - low) / ((1 << bits) - 2) / 2;
    if (low < 0 && range.low <= group.distinct->first) range.low = low - half_a_step;
    if (high > 0 && range.high >= group.distinct->second) range.high = high + half_a_step;
    confine();
  }
  return range;
}

std::int32_t quantize_value(float value, float scale, std::int32_t zero_point, IntegerRange range) {
  // Clamped before it is rounded, so that it fits an integer: lrint is one instruction, which nearbyint of a double is not everywhere.
  const auto low = static_cast<float>(range.low - zero_point), high = static_cast<float>(range.high - zero_point);
  return static_cast<std::int32_t>(std::lrint(std::clamp(value / scale, low, high))) + zero_point;
}

std::size_t slice_of(std::size_t index, const Shape& shape, int axis) {
  if (axis < 0) return 0;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  return index / inner % static_cast<std::size_t>(shape[axis]);
}

std::size_t slice_of(std::size_t index, const Shape& shape, const Encoding& encoding) {
  if (encoding.block == 0) return slice_of(index, shape, encoding.axis);
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(encoding.axis) + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const auto size = static_cast<std::size_t>(shape[encoding.axis]), block = static_cast<std::size_t>(encoding.block);
  const std::size_t blocks = (size + block - 1) / block;
  return (index / (inner * size) * blocks + index / inner % size / block) * inner + index % inner;
}

std::size_t stretch_of(const Shape& shape, const Encoding& encoding) {
  if (encoding.axis < 0) return static_cast<std::size_t>(element_count(shape));
  const auto inner = static_cast<std::size_t>(element_count(std::span(shape).subspan(static_cast<std::size_t>(encoding.axis) + 1)));
  if (encoding.block == 0) return inner;
  const bool whole_blocks = inner == 1 && shape[encoding.axis] % encoding.block == 0;
  return whole_blocks ? static_cast<std::size_t>(encoding.block) : 1;
}

std::vector<std::int32_t> quantize_values(std::span<const float> values, const Shape& shape, const Encoding& encoding) {
  std::vector<std::int32_t> integers(values.size());
  for_each_stretch(shape, encoding, [&](std::size_t slice, std::size_t begin, std::size_t end) {
    const IntegerRange range = encoding.zero_point[slice] == 0 ? encoding.weight_range(slice) : integer_range(encoding.type);
    for (std::size_t i = begin; i < end; ++i)
      integers[i] = quantize_value(values[i], encoding.scale[slice], encoding.zero_point[slice], range);
  });
  return integers;
}

std::vector<float> rounded_values(std::span<const float> values, const Shape& shape, const Encoding& encoding) {
  const auto integers = quantize_values(values, shape, encoding);
  std::vector<float> rounded(values.size());
  for_each_stretch(shape, encoding, [&](std::size_t slice, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      rounded[i] = static_cast<float>(integers[i] - encoding.zero_point[slice]) * encoding.scale[slice];
  });
  return rounded;
}

bool is_quantized_bias(const onnx::TensorProto* bias, const WeightedOp& op, const Encodings& encodings) {
  return bias != nullptr && is_channel_bias(*bias, op) && encodings.activations.contains(op.input) &&
         encodings.weights.at(op.weight).block == 0;
}

void protect_biases(const Model& model, const Placement& placement, Encodings& encodings, const Context& context) {
  const GraphIndex index(model.graph());
  for (const auto& [number, op] : placement.weighted) {
    const auto* bias = index.initializer(op.bias);
    if (!is_quantized_bias(bias, op, encodings)) continue;
    const float input_scale = encodings.activations.at(op.input).scale[0];
    if (const int raised = protect_bias(encodings.weights.at(op.weight), float_values(*bias), input_scale, op.groups); raised > 0) {
      context.info(describe(index.node(number)) + ": the weight scale of " + std::to_string(raised) +
                   " channels was raised so that the bias fits int32");
    }
  }
}

void encode_constants(const GraphIndex& index, const Placement& placement, const Scheme& scheme, Encodings& encodings) {
  std::map<std::string, Encoding> constants;
  for (const auto& name : placement.constants) encodings.activations.erase(name);  // they do not count as neighbours of each other
  for (const auto& name : placement.constants) constants[name] = encode_constant(name, index, encodings, scheme);
  encodings.activations.merge(constants);
}

Encodings encode(const Model& model, const Placement& placement, const Statistics& statistics, const Scheme& scheme, Context& context) {
  const GraphIndex index(model.graph());
  Encodings encodings;
  for (const auto& group : placement.groups) {
    const Scheme own = scheme_for_activations(scheme, group);
    const Range range = safe_range(group, statistics, own, context);
    Encoding encoding = group.is_pixels ? encode_range(range, onnx::TensorProto::UINT8, Symmetry::asymmetric)
                                        : encode_range(range, own.activation_type(), own.activations);
    encoding.method = method_name(own, group);
    for (const auto& member : group.members) encodings.activations[member] = encoding;
  }
  widen_pool_scales(index, placement, encodings);
  encode_constants(index, placement, scheme, encodings);
  encode_weights(index, placement, scheme, encodings, context);
  shorten_multipliers(index, placement, encodings);
  return encodings;
}

}  // namespace quantize
