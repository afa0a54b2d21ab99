// Why a node stays float, in words for the report.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "model/graph.h"
#include "ops/target.h"

namespace quantize {

// What placement found out about a node that is not quantized.
struct FloatNode {
  bool is_excluded = false;         // by request
  bool is_masked = false;           // see masks.h
  bool is_divisor = false;          // see divisors.h
  bool has_float_role = false;      // by the target, or by what reads it
  bool makes_floats = false;        // its first output is a tensor of floats
  bool is_read_for_pixels = false;  // what it makes is quantized further on, as pixels
};

std::string float_reason(const onnx::NodeProto& node, const FloatNode& found, const Target& target, const GraphIndex& index);

}  // namespace quantize
