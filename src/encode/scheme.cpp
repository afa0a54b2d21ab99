#include "encode/scheme.h"

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"

namespace quantize {

const std::vector<std::string>& Scheme::names() {
  static const std::vector<std::string> known = {"w8a8", "w8a16", "w4a16"};
  return known;
}

Scheme Scheme::named(const std::string& name) {
  Scheme scheme;
  scheme.name = name;
  if (name == "w8a8") return scheme;
  if (name == "w8a16" || name == "w4a16") {
    scheme.weight_bits = name == "w4a16" ? 4 : 8;
    scheme.activation_bits = 16;
    return scheme;
  }
  throw Error(ErrorKind::usage,
              "unknown scheme '" + name + "'; known: w8a8, w8a16, w4a16 (weight bits, activation bits)" + did_you_mean(name, names()));
}

Scheme Scheme::adapted_to(const Target& target) const {
  if (const auto refused = target.refused.find(name); refused != target.refused.end()) {
    throw Error(ErrorKind::usage, "target " + target.name + " cannot run " + name + ": " + refused->second);
  }
  if (block_size > 0 && weight_bits != 4)
    throw Error(ErrorKind::usage, "--block-size is for 4-bit weights; " + name + " has 8, which need no blocks");
  if (block_size > 0 && !target.block_scales)
    throw Error(ErrorKind::usage, "target " + target.name + " takes no block-wise scales; leave --block-size out");
  Scheme adapted = *this;
  if (target.symmetric_activations) adapted.activations = Symmetry::symmetric;
  return adapted;
}

onnx::TensorProto::DataType Scheme::weight_type() const { return weight_bits == 4 ? onnx::TensorProto::INT4 : onnx::TensorProto::INT8; }

onnx::TensorProto::DataType Scheme::activation_type() const {
  if (activations == Symmetry::symmetric) return activation_bits == 16 ? onnx::TensorProto::INT16 : onnx::TensorProto::INT8;
  return activation_bits == 16 ? onnx::TensorProto::UINT16 : onnx::TensorProto::UINT8;
}

int Scheme::lowest_opset() const {
  const auto asks = [](const auto& entries, int bits) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.second == bits; });
  };
  const bool needs_new_types = weight_bits == 4 || activation_bits == 16 || asks(exceptions.weights, 4) || asks(exceptions.activations, 16);
  return needs_new_types ? 21 : 13;
}

Scheme scheme_for_activations(const Scheme& scheme, const TensorGroup& group) {
  Scheme result = scheme;
  for (const auto& member : group.members) {
    if (const auto found = scheme.exceptions.activations.find(member); found != scheme.exceptions.activations.end())
      result.activation_bits = found->second;
  }
  if (group.is_pixels) {
    result.activation_bits = 8;
    result.activations = Symmetry::asymmetric;
  }
  return result;
}

Scheme scheme_for_weight(const Scheme& scheme, const Placement& placement, const std::string& weight) {
  int bits = 0;
  for (const auto& [number, op] : placement.weighted) {
    if (op.weight != weight) continue;
    const auto found = scheme.exceptions.weights.find(placement.decisions[static_cast<std::size_t>(number)].node);
    bits = std::max(bits, found != scheme.exceptions.weights.end() ? found->second : scheme.weight_bits);
  }
  Scheme result = scheme;
  if (bits > 0) result.weight_bits = bits;
  return result;
}

}  // namespace quantize
