// Adds Quantize- and DequantizeLinear nodes and what they read to a graph. Equal scales and equal zero points share one initializer.
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "encode/encodings.h"
#include "model/edit.h"
#include "model/tensor.h"

namespace quantize {

class QdqWriter {
 public:
  QdqWriter(onnx::GraphProto& graph, NameMaker& names) : graph_(graph), names_(names) {}

  onnx::NodeProto& add(const std::string& type, const std::vector<std::string>& inputs, const std::string& output);
  std::string unique(const std::string& wanted) { return names_.unique(wanted); }

  // Names of initializers. One value becomes a scalar.
  std::string scale(const std::vector<float>& values);
  std::string scale(const std::vector<float>& values, const Shape& shape);
  std::string zero(const Encoding& encoding);

  // What a DequantizeLinear makes of `integers`, which become an initializer. `axis` matters where `scale` has one value per slice; zero
  // points of weights and biases are zero and left out where the target allows it: DequantizeLinear's default.
  std::string dequantized(onnx::TensorProto integers, const std::string& scale, int axis, const std::string& zero = "", int block = 0);

 private:
  onnx::GraphProto& graph_;
  NameMaker& names_;
  std::map<std::pair<std::vector<float>, Shape>, std::string> scales_;
  std::map<std::pair<int, std::vector<std::int32_t>>, std::string> zeros_;
};

}  // namespace quantize
