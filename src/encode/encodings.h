// ENCODE: placement + statistics + scheme -> Encodings, the plan of the rewrite: one entry per quantized tensor.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "encode/placement.h"
#include "encode/ranges.h"
#include "encode/scheme.h"
#include "model/tensor.h"

namespace quantize {

struct IntegerRange {
  std::int32_t low, high;
};

// real = scale * (integer - zero_point), per tensor (axis -1, one scale), per slice along `axis`, or block-wise: one scale for every
// `block` values along `axis`, at every place of the other axes (ONNX DequantizeLinear).
struct Encoding {
  ElementType type = onnx::TensorProto::UINT8;
  int axis = -1;
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;
  std::string method;  // how the range was chosen: "mse", "fixed range", "largest magnitude", "fitted to the FP32 output"
  int block = 0;       // 0: not block-wise
  std::vector<std::int32_t> largest = {};  // weights: per slice, the largest integer magnitude allowed; empty: what integer_range() says

  [[nodiscard]] double low() const;  // of the first slice
  [[nodiscard]] double high() const;
  [[nodiscard]] IntegerRange weight_range(std::size_t slice) const;
  [[nodiscard]] bool has_zero_points() const {
    return std::ranges::any_of(zero_point, [](auto zero) { return zero != 0; });
  }
  // Of the scale and zero point tensors, for a tensor of this shape.
  [[nodiscard]] Shape scale_shape(const Shape& shape) const;
};

// Of the type; symmetric int8 weights use -127..127, so that negation is exact; int4 uses all 16 values.
IntegerRange integer_range(ElementType type, bool symmetric_weight = false);

bool is_byte(ElementType type);  // 8 bits
bool is_signed(ElementType type);
bool is_wide(ElementType type);  // 16 bits

struct Encodings {
  std::map<std::string, Encoding> activations;  // every member of every group
  std::map<std::string, Encoding> weights;      // by initializer name
};

// The only scale formula of the program: (low, high) -> scale and zero point, real zero exactly representable, scale never zero or
// denormal. Symmetric: zero point 0 for signed types. Asymmetric: low <= 0 <= high is enforced by widening.
Encoding encode_range(Range range, ElementType type, Symmetry symmetry);

// The scale as a float: a tensor that is always zero still needs one, and a denormal one would make ONNX Runtime's reciprocal infinite.
float usable_scale(double scale);

// Activations by the scheme's method; weights by largest magnitude, or by their ends where they may have zero points, with the floor that
// keeps every int32 bias in range. Warnings (dead tensors, floors) go to the context. Throws Error{internal} when statistics lack an
// observed tensor.
Encodings encode(const Model& model, const Placement& placement, const Statistics& statistics, const Scheme& scheme, Context& context);

// Of the constants that quantized arithmetic reads, for the activations' encodings as they are: each has as many bits as the widest of the
// activations it meets.
void encode_constants(const GraphIndex& index, const Placement& placement, const Scheme& scheme, Encodings& encodings);
// What a constant's values span, zero included.
Range range_of_values(std::span<const float> values);

// The statistics of a group: those of its sources together, of the values that its readers tell apart.
TensorStatistics group_statistics(const TensorGroup& group, const Statistics& statistics);
// Range of one group: exact where known, limited by its bounds, never less than what was seen where it is unclipped.
Range group_range(const TensorGroup& group, const Statistics& statistics, const Scheme& scheme);

// What a group's bounds leave of a range. An end where all readers saturate becomes half a step wider: the integer there must lie beyond
// that point, not before it.
Range limit_range(Range range, const TensorGroup& group, int bits);

// Whether a bias becomes int32 (null: there is none, or it is computed): one value per output channel, for an input in integers and a
// weight without blocks. Any other stays float.
bool is_quantized_bias(const onnx::TensorProto* bias, const WeightedOp& op, const Encodings& encodings);

// Raises the weight scales of the plan to where every int32 bias has room (see hazards.h).
void protect_biases(const Model& model, const Placement& placement, Encodings& encodings, const Context& context);

// Nearest integer, ties to even, saturated: QuantizeLinear's rule.
std::int32_t quantize_value(float value, float scale, std::int32_t zero_point, IntegerRange range);
// Which slice of the encoding, which of its scales, element `index` of a tensor of this shape belongs to.
std::size_t slice_of(std::size_t index, const Shape& shape, int axis);
std::size_t slice_of(std::size_t index, const Shape& shape, const Encoding& encoding);
// Of neighbouring elements, how many share a slice; it divides the number of elements.
std::size_t stretch_of(const Shape& shape, const Encoding& encoding);

// visit(slice, begin, end) for each stretch of a tensor of this shape: finding the slice of every element would cost more than what is done
// with it.
template <typename Visit>
void for_each_stretch(const Shape& shape, const Encoding& encoding, const Visit& visit) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  const std::size_t stretch = count > 0 ? stretch_of(shape, encoding) : 1;
  for (std::size_t begin = 0; begin < count; begin += stretch) visit(slice_of(begin, shape, encoding), begin, begin + stretch);
}

std::vector<std::int32_t> quantize_values(std::span<const float> values, const Shape& shape, const Encoding& encoding);
// Quantized and dequantized again.
std::vector<float> rounded_values(std::span<const float> values, const Shape& shape, const Encoding& encoding);

}  // namespace quantize
