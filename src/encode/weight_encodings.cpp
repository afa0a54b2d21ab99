#include "encode/weight_encodings.h"

#include <algorithm>
#include <limits>

#include "encode/hazards.h"

namespace quantize {
namespace {

constexpr std::size_t longest_with_zero_points = 128;

// With room for both ends, at the zero point that allows the smallest scale; a slice of one sign leaves the other side out.
void cover(Range range, IntegerRange integers, float& scale, std::int32_t& zero_point) {
  double least = std::numeric_limits<double>::infinity();
  for (std::int32_t zero = integers.low; zero <= integers.high; ++zero) {
    const int below = zero - integers.low, above = integers.high - zero;
    if ((below == 0 && range.low < 0) || (above == 0 && range.high > 0)) continue;
    const double needed = std::max(below > 0 ? -range.low / below : 0, above > 0 ? range.high / above : 0);
    if (needed >= least) continue;
    least = needed;
    scale = usable_scale(needed);
    zero_point = zero;
  }
}

}  // namespace

bool may_have_zero_points(const Placement& placement, const Encoding& weight) {
  return placement.weight_zero_points && weight.type == onnx::TensorProto::INT4 && weight.block == 0;
}

bool wants_zero_points(const Placement& placement, const Encoding& weight, std::size_t count) {
  return may_have_zero_points(placement, weight) && count <= longest_with_zero_points * weight.scale.size();
}

Encoding encode_weight(std::span<const float> values, const Shape& shape, int axis, ElementType type, int block) {
  const IntegerRange integers = integer_range(type, true);
  Encoding encoding;
  encoding.type = type;
  encoding.axis = axis;
  encoding.block = block;
  const auto largest = largest_magnitudes(values, shape, encoding);
  encoding.method = "largest magnitude";
  for (const float magnitude : largest) encoding.scale.push_back(usable_scale(static_cast<double>(magnitude) / integers.high));
  encoding.zero_point.assign(largest.size(), 0);
  return encoding;
}

void encode_asymmetric(std::span<const float> values, const Shape& shape, Encoding& encoding) {
  std::vector<Range> ranges(encoding.scale.size());
  for_each_stretch(shape, encoding, [&](std::size_t slice, std::size_t begin, std::size_t end) {
    const auto [low, high] = std::ranges::minmax(values.subspan(begin, end - begin));
    ranges[slice] = {std::min<double>(ranges[slice].low, low), std::max<double>(ranges[slice].high, high)};
  });
  for (std::size_t slice = 0; slice < ranges.size(); ++slice) {
    if (ranges[slice].low == ranges[slice].high) continue;
    cover(ranges[slice], integer_range(encoding.type), encoding.scale[slice], encoding.zero_point[slice]);
  }
  encoding.method = "smallest and largest value";
}

Encoding encode_plain_weight(std::span<const float> values, const Shape& shape, const WeightedOp& op, const Scheme& scheme,
                             const Placement& placement) {
  const bool in_blocks = scheme.block_size > 0 && scheme.weight_bits == 4 && op.input_axis >= 0 && shape[op.input_axis] > scheme.block_size;
  if (in_blocks) return encode_weight(values, shape, op.input_axis, scheme.weight_type(), scheme.block_size);
  const int axis = scheme.weights == Granularity::per_channel ? op.channel_axis : -1;
  Encoding encoding = encode_weight(values, shape, axis, scheme.weight_type());
  if (wants_zero_points(placement, encoding, values.size())) encode_asymmetric(values, shape, encoding);
  return encoding;
}

void encode_weights(const GraphIndex& index, const Placement& placement, const Scheme& scheme, Encodings& encodings, Context& context) {
  for (const auto& [number, op] : placement.weighted) {
    const auto& tensor = *index.initializer(op.weight);
    const auto values = float_values(tensor);
    const Shape shape = shape_of(tensor);
    auto [place, fresh] = encodings.weights.try_emplace(op.weight);
    if (fresh) place->second = encode_plain_weight(values, shape, op, scheme_for_weight(scheme, placement, op.weight), placement);
    const auto* bias = index.initializer(op.bias);
    const bool in_integers = is_quantized_bias(bias, op, encodings);
    solve_weight_hazards(place->second, values, shape, in_integers ? float_values(*bias) : std::vector<float>{},
                         in_integers ? encodings.activations.at(op.input).scale[0] : 1.0F, op, describe(index.node(number)), context);
  }
}

}  // namespace quantize
