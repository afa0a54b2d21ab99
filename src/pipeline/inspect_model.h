// What is in a model file, float or quantized, whoever made it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "report/report.h"

namespace quantize {

// One tensor behind a DequantizeLinear.
struct InspectedTensor {
  std::string name, type;  // the integer tensor's name for weights, the float tensor's for activations
  bool constant = false;   // a weight or bias
  int axis = -1;           // -1: one scale for all
  std::size_t scales = 0;
  float least_scale = 0, largest_scale = 0;
  std::int64_t zero_point = 0;            // of the first slice
  std::size_t saturated_zero_points = 0;  // at an end of the type's range: the encoding covers one sign only
  double at_limits = 0;                   // constants: share of the integers at an end of the range
};

struct Coverage {
  int nodes = 0, quantized = 0;
};

struct StoredType {
  int tensors = 0;
  std::int64_t values = 0;
  std::uint64_t bytes = 0;
};

struct Inspection {
  std::string scheme;  // "w8a8", "w4/8a16" where mixed, "float"
  std::string producer;
  std::int64_t opset = 0, ir_version = 0;
  std::vector<std::string> inputs, outputs;   // "image float 1x3x360x480"
  std::map<std::string, Coverage> operators;  // all but Quantize/DequantizeLinear
  int quantizers = 0, dequantizers = 0;
  std::map<std::string, StoredType> stored;  // by element type
  std::vector<InspectedTensor> tensors;
  std::optional<Kernels> kernels;  // what ONNX Runtime makes of it; inspect() does not ask, see kernels_in_runtime()
};

Inspection inspect(const Model& model);
// Whether anything in it is stored or computed in quantized integers.
bool is_quantized(const Inspection& inspection);

// For a terminal; every quantized tensor where `all`, else the summary.
std::string write_inspection(const Model& model, const Inspection& inspection, bool all);
std::string write_inspection_json(const Model& model, const Inspection& inspection);

}  // namespace quantize
