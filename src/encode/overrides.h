// Encodings that come from elsewhere: another tool's file says how single tensors are to be quantized, the rest follows the scheme.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "encode/encodings.h"

namespace quantize {

// What a file says of one tensor; what it leaves out is chosen as without it. Scales, with their zero points, are per tensor (one) or per
// output channel, and then final: neither range nor symmetry is asked for.
struct TensorOverride {
  std::optional<ElementType> type;
  std::optional<Symmetry> symmetry;
  std::optional<double> low, high;
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;
};
using Overrides = std::map<std::string, TensorOverride>;

// The lowest opset whose Quantize/DequantizeLinear know all types named.
int lowest_opset(const Overrides& overrides);

// Puts what `overrides` say in the place of the encodings of the same tensors: activations, for all tensors that share the encoding, and
// weights. What follows from the encodings of activations (constants, weights without an encoding of their own, means that a pool makes,
// see pool_scales.h) is chosen anew. Tensors that the placement leaves float stay float; they, tensors that the model does not have, and
// members of one group that are told different things are warned of with their number and the first name. Throws Error{data} naming file
// and tensor where not one name is known, the number of scales does not fit, or a weight has a zero point that is not 0.
void apply_overrides(Encodings& encodings, const Model& model, const Placement& placement, const Statistics& statistics,
                     const Scheme& scheme, const Overrides& overrides, const std::string& file, Context& context);

}  // namespace quantize
