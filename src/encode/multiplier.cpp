#include "encode/multiplier.h"

#include <algorithm>
#include <cmath>

#include "encode/absorbed_clamp.h"

namespace quantize {
namespace {

// Seen on the HTP simulator by running single convolutions: up to 10 significant bits are kept exactly (11 and more are wrong by up to 30
// steps of a 16-bit result). A power of two is a shift and always rounds right; anything else leaves 3 to 4 % of an 8-bit result one step
// low. Weights of 8 bits can afford to be one bit coarser beside activations of 8 bits.
constexpr int kept_bits = 10;
constexpr int shift_only = 1;
constexpr double same = 1e-5;  // relative: what single precision makes of a product of scales

// scale * to_multiplier as an integer of `bits` bits, not rounded yet, and what one of it is worth as a scale.
struct Mantissa {
  double value, unit;
  Mantissa(double scale, const ScaleRule& rule) {
    const double multiplier = scale * rule.to_multiplier;
    unit = std::ldexp(1.0, std::ilogb(multiplier) - rule.bits + 1);
    value = multiplier / unit;
    unit /= rule.to_multiplier;
  }
};

}  // namespace

float ScaleRule::nearest(double scale) const {
  if (scale < least) return at_least(least);
  if (to_multiplier == 0) return static_cast<float>(scale);
  const Mantissa mantissa(scale, *this);
  const auto rounded = static_cast<float>(std::nearbyint(mantissa.value) * mantissa.unit);
  return rounded >= least ? rounded : at_least(least);
}

float ScaleRule::at_least(double scale) const {
  scale = std::max<double>(scale, least);
  if (to_multiplier == 0) return static_cast<float>(scale);
  const Mantissa mantissa(scale, *this);
  const double near = std::nearbyint(mantissa.value);
  const bool is_allowed = std::fabs(mantissa.value - near) <= same * mantissa.value;
  return static_cast<float>(is_allowed ? scale : std::ceil(mantissa.value) * mantissa.unit);
}

ScaleRule scale_rule(const GraphIndex& index, const Placement& placement, const Encodings& encodings, const WeightedOp& op) {
  const auto& known = encodings.activations;
  const auto input = known.find(op.input);
  if (!placement.short_multipliers || input == known.end()) return {};
  const auto result = known.find(rounded_result(op.output, index, placement, encodings));
  if (result == known.end()) return {};
  const bool bytes = encodings.weights.at(op.weight).type == onnx::TensorProto::INT8 && !is_wide(result->second.type);
  return {.least = 0,
          .to_multiplier = static_cast<double>(input->second.scale[0]) / result->second.scale[0],
          .bits = bytes ? shift_only : kept_bits};
}

ScaleRule scale_rule(const GraphIndex& index, const Placement& placement, const Encodings& encodings, const std::string& weight) {
  for (const auto& [number, op] : placement.weighted) {
    if (op.weight != weight) continue;
    if (const ScaleRule rule = scale_rule(index, placement, encodings, op); rule.to_multiplier != 0) return rule;
  }
  return {};
}

void shorten_multipliers(const GraphIndex& index, const Placement& placement, Encodings& encodings) {
  if (!placement.short_multipliers) return;
  for (auto& [name, weight] : encodings.weights) {
    if (weight.method == "imported") continue;
    const ScaleRule rule = scale_rule(index, placement, encodings, name);
    if (rule.to_multiplier == 0) continue;
    for (auto& scale : weight.scale) scale = rule.at_least(scale);
  }
}

// Seen on the HTP simulator: the result of a convolution is that of the exact sum less 127 steps, +- 75, and less bias mod 256. With 4-bit
// weights a step is worth so much that 56 layers of it left 39 dB between the device and the file's definition.
double bias_for_dropped_byte(double exact) { return 256 * std::nearbyint((exact + 127.5) / 256); }

}  // namespace quantize
