#include "encode/scheme.h"

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

onnx::TensorProto::DataType Scheme::weight_type() const { return weight_bits == 4 ? onnx::TensorProto::INT4 : onnx::TensorProto::INT8; }

onnx::TensorProto::DataType Scheme::activation_type() const {
  if (activations == Symmetry::symmetric) return activation_bits == 16 ? onnx::TensorProto::INT16 : onnx::TensorProto::INT8;
  return activation_bits == 16 ? onnx::TensorProto::UINT16 : onnx::TensorProto::UINT8;
}

int Scheme::lowest_opset() const { return weight_bits == 4 || activation_bits == 16 ? 21 : 13; }

}  // namespace quantize
