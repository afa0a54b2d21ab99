#include "encode/overrides.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "encode/hazards.h"
#include "encode/multiplier.h"
#include "encode/pool_scales.h"
#include "encode/weight_encodings.h"
#include "model/graph.h"

namespace quantize {
namespace {

bool is_narrow_or_wide(ElementType type) {
  using Proto = onnx::TensorProto;
  return type == Proto::INT4 || type == Proto::UINT4 || type == Proto::INT16 || type == Proto::UINT16;
}

bool same(const TensorOverride& a, const TensorOverride& b) {
  return a.type == b.type && a.symmetry == b.symmetry && a.low == b.low && a.high == b.high && a.scale == b.scale &&
         a.zero_point == b.zero_point;
}

// Names that something is to be said about: how many, and the first.
struct Names {
  std::size_t count = 0;
  std::string first;

  void add(const std::string& name) {
    if (count++ == 0) first = name;
  }
  void warn(Context& context, const std::string& file, const std::string& what) const {
    if (count > 0) context.warn(file + ": " + std::to_string(count) + " " + what + " (the first: '" + first + "')");
  }
};

class Overrider {
 public:
  Overrider(Encodings& encodings, const Model& model, const Placement& placement, const Statistics& statistics, const Scheme& scheme,
            const Overrides& overrides, const std::string& file)
      : encodings_(encodings),
        index_(model.graph()),
        placement_(placement),
        statistics_(statistics),
        scheme_(scheme),
        overrides_(overrides),
        file_(file) {}

  void run(Context& context) {
    for (const auto& group : placement_.groups) apply_to_group(group);
    derive_the_rest(context);
    for (const auto& name : placement_.constants) {
      if (const auto found = overrides_.find(name); found != overrides_.end()) apply_to_constant(name, found->second);
    }
    for (const auto& [number, op] : placement_.weighted) {
      if (const auto found = overrides_.find(op.weight); found != overrides_.end()) apply_to_weight(op, found->second);
    }
    for (const auto& [number, op] : placement_.weighted) check_bias(op);
    shorten_multipliers(index_, placement_, encodings_);
    Names unknown, left_float;
    for (const auto& [name, ignored] : overrides_) {
      if (used_.contains(name)) continue;
      const bool known = index_.initializer(name) != nullptr || index_.is_graph_input(name) || index_.producer(name) != nullptr;
      (known ? left_float : unknown).add(name);
    }
    if (used_.empty() && left_float.count == 0 && !overrides_.empty())
      fail(overrides_.begin()->first, "is not in the model, nor is any other: the file belongs to another model");
    unknown.warn(context, file_, "encodings are of tensors that the prepared model does not have");
    left_float.warn(context, file_, "encodings are of tensors that stay float");
    contradicting_.warn(context, file_, "encodings contradict that of a tensor which must share theirs, and are not used");
  }

 private:
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    throw Error(ErrorKind::data, file_ + ": tensor '" + tensor + "' " + what);
  }

  // What encode() made of the activations' encodings, from those that are imported now.
  void derive_the_rest(Context& context) {
    widen_pool_scales(index_, placement_, encodings_);
    encode_constants(index_, placement_, scheme_, encodings_);
    encodings_.weights.clear();
    encode_weights(index_, placement_, scheme_, encodings_, context);
  }

  void apply_to_group(const TensorGroup& group) {
    const TensorOverride* chosen = nullptr;
    for (const auto* names : {&group.sources, &group.members}) {  // who makes the values knows best what they are
      for (const auto& name : *names) {
        const auto found = overrides_.find(name);
        if (found == overrides_.end() || !used_.insert(name).second) continue;
        if (chosen == nullptr) chosen = &found->second;
        if (!same(*chosen, found->second)) contradicting_.add(name);
      }
    }
    if (chosen == nullptr || group.is_pixels) return;
    Encoding encoding = encodings_.activations.at(group.members[0]);
    if (chosen->scale.empty()) {
      encoding =
          encode_range(range_of(group, *chosen), chosen->type.value_or(encoding.type), chosen->symmetry.value_or(scheme_.activations));
      encoding.method = "imported";
    } else {
      take(group.members[0], encoding, *chosen);
    }
    for (const auto& member : group.members) encodings_.activations[member] = encoding;
  }

  Range range_of(const TensorGroup& group, const TensorOverride& wanted) const {
    Scheme own = scheme_for_activations(scheme_, group);
    if (wanted.type) own.activation_bits = is_wide(*wanted.type) ? 16 : 8;
    return with_ends(wanted.low && wanted.high ? Range{} : group_range(group, statistics_, own), wanted);
  }

  static Range with_ends(Range range, const TensorOverride& wanted) {
    return {wanted.low.value_or(range.low), wanted.high.value_or(range.high)};
  }

  void apply_to_constant(const std::string& name, const TensorOverride& wanted) {
    auto& encoding = encodings_.activations.at(name);
    take(name, encoding, wanted);
    if (!wanted.scale.empty()) return;
    const Range range = with_ends(range_of_values(float_values(*index_.constant(name))), wanted);
    encoding = encode_range(range, wanted.type.value_or(encoding.type), wanted.symmetry.value_or(scheme_.activations));
    encoding.method = "imported";
  }

  // One final scale for an activation.
  void take(const std::string& name, Encoding& encoding, const TensorOverride& wanted) {
    used_.insert(name);
    if (wanted.scale.empty()) return;
    if (wanted.scale.size() != 1) fail(name, "is an activation and takes one scale, not " + std::to_string(wanted.scale.size()));
    encoding = {wanted.type.value_or(encoding.type), -1, wanted.scale, wanted.zero_point, "imported"};
    check_zero_points(name, encoding);
  }

  void apply_to_weight(const WeightedOp& op, const TensorOverride& wanted) {
    used_.insert(op.weight);
    auto& encoding = encodings_.weights.at(op.weight);
    const ElementType type = wanted.type.value_or(encoding.type);
    if (!is_signed(type)) fail(op.weight, "is a weight of type " + type_name(type) + "; weights are symmetric here, and so signed");
    if (wanted.scale.empty()) {
      const auto& tensor = *index_.initializer(op.weight);
      encoding = encode_weight(float_values(tensor), shape_of(tensor), encoding.axis, type, encoding.block);
      return;
    }
    const std::size_t count = wanted.scale.size();
    if (count != 1 && (op.channel_axis < 0 || count != static_cast<std::size_t>(op.channels)))
      fail(op.weight, "has " + std::to_string(op.channels) + " output channels, and " + std::to_string(count) + " scales are given");
    if (std::ranges::any_of(wanted.zero_point, [](auto zero) { return zero != 0; }))
      fail(op.weight, "is a weight with a zero point that is not 0; weights are symmetric here");
    encoding = {type, count == 1 ? -1 : op.channel_axis, wanted.scale, wanted.zero_point, "imported"};
  }

  // Biases are int32 with scale = input scale x weight scale. A weight's own scale may still be raised for that, an imported one may not.
  void check_bias(const WeightedOp& op) {
    const auto* bias = index_.initializer(op.bias);
    if (!is_quantized_bias(bias, op, encodings_)) return;
    const float input_scale = encodings_.activations.at(op.input).scale[0];
    auto& weight = encodings_.weights.at(op.weight);
    const auto values = float_values(*bias);
    if (weight.method != "imported") {
      protect_bias(weight, values, input_scale, op.groups);
      return;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double scale = static_cast<double>(input_scale) * weight.scale[i % weight.scale.size()];
      if (std::fabs(values[i]) > scale * 2147483647.0) fail(op.weight, "has a scale so small that its bias does not fit into int32");
    }
  }

  void check_zero_points(const std::string& name, const Encoding& encoding) const {
    const auto [low, high] = integer_range(encoding.type);
    for (const auto zero : encoding.zero_point) {
      if (zero < low || zero > high)
        fail(name, "has a zero point that " + type_name(encoding.type) + " cannot hold: " + std::to_string(zero));
    }
  }

  Encodings& encodings_;
  const GraphIndex index_;
  const Placement& placement_;
  const Statistics& statistics_;
  const Scheme& scheme_;
  const Overrides& overrides_;
  const std::string& file_;
  std::set<std::string> used_;
  Names contradicting_;
};

}  // namespace

int lowest_opset(const Overrides& overrides) {
  const bool any = std::ranges::any_of(overrides, [](const auto& one) { return one.second.type && is_narrow_or_wide(*one.second.type); });
  return any ? 21 : 13;
}

void apply_overrides(Encodings& encodings, const Model& model, const Placement& placement, const Statistics& statistics,
                     const Scheme& scheme, const Overrides& overrides, const std::string& file, Context& context) {
  Overrider(encodings, model, placement, statistics, scheme, overrides, file).run(context);
}

}  // namespace quantize
