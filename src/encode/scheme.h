// The scheme as data: how many bits for which kind of tensor, and how ranges are chosen.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "encode/assignment.h"
#include "ops/target.h"

namespace quantize {

// automatic: with 8 bits least squares that weighs clipping (ranges.h), to be replaced tensor by tensor by what the optimizer measures to
// be better; with 16 bits, which can afford it, the values seen and room for those that were not.
enum class RangeMethod { automatic, minmax, percentile, mse, entropy };
enum class Granularity { per_channel, per_tensor };
enum class Symmetry { asymmetric, symmetric };

struct Scheme {
  std::string name;         // "w8a8"
  int weight_bits = 8;      // 4 or 8
  int activation_bits = 8;  // 8 or 16
  Granularity weights = Granularity::per_channel;
  Symmetry activations = Symmetry::asymmetric;
  int block_size = 0;  // 4-bit weights of matrix products and 1x1 convolutions: input channels that share a scale; 0: all
  RangeMethod method = RangeMethod::automatic;
  double percentile = 99.999;  // share of values kept, in percent, split over both ends
  Assignment exceptions;       // weights and activations with other bits than those above

  // Throws Error{usage}, with the nearest known name, for an unknown one.
  static Scheme named(const std::string& name);
  static const std::vector<std::string>& names();
  // As the target needs it. Throws Error{usage} with the reason where its runtime cannot compute the scheme.
  [[nodiscard]] Scheme adapted_to(const Target& target) const;

  // Without the exceptions.
  [[nodiscard]] onnx::TensorProto::DataType weight_type() const;
  [[nodiscard]] onnx::TensorProto::DataType activation_type() const;
  // The lowest opset whose Quantize/DequantizeLinear knows the types, those of the exceptions included: 13 (per-channel scales), 21 for 4
  // and 16 bits.
  [[nodiscard]] int lowest_opset() const;
};

// The scheme as it is for tensors that share one encoding, and for a weight (the most bits that any node reading it is given).
Scheme scheme_for_activations(const Scheme& scheme, const TensorGroup& group);
Scheme scheme_for_weight(const Scheme& scheme, const Placement& placement, const std::string& weight);

}  // namespace quantize
