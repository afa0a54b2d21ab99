// The plain encodings of weights: what the values of a slice span, without images.
#pragma once

#include <cstddef>
#include <span>

#include "encode/encodings.h"

namespace quantize {

// Whether a weight's slices can have zero points other than 0: with 4 bits, without blocks, where the target takes them.
bool may_have_zero_points(const Placement& placement, const Encoding& weight);
// Whether a weight of `count` values is to have them: of a long slice the range is never as one-sided as a depthwise kernel's, and GPTQ,
// which moves the weights, needs room at both its ends (without it FFNet lost 1.2 dB at -O1).
bool wants_zero_points(const Placement& placement, const Encoding& weight, std::size_t count);

// Scales of `values` (shape, axis and block as in the encoding) from the largest magnitude of each slice.
Encoding encode_weight(std::span<const float> values, const Shape& shape, int axis, ElementType type, int block = 0);
// For an encoding without blocks: of each slice the smallest scale that has room for its smallest and its largest value, and the zero
// point that it needs.
void encode_asymmetric(std::span<const float> values, const Shape& shape, Encoding& encoding);
// Blocks, channels or one scale, as the scheme says and the operator can have, with zero points where they are wanted.
Encoding encode_plain_weight(std::span<const float> values, const Shape& shape, const WeightedOp& op, const Scheme& scheme,
                             const Placement& placement);

// Of all weights, each once, with the floors and notes of hazards.h for every operator that reads it.
void encode_weights(const GraphIndex& index, const Placement& placement, const Scheme& scheme, Encodings& encodings, Context& context);

}  // namespace quantize
