// Running a model in a test: deterministic inputs, ONNX Runtime with its graph optimisations off, and comparison.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <vector>

#include "model/tensor.h"

namespace quantize::test {

// One tensor per input that a caller has to feed: floats between -2 and 2, integers 0 or 1. A free dimension is 2.
std::vector<Tensor> random_inputs(const onnx::ModelProto& model, std::uint32_t seed = 1);

std::vector<Tensor> run_model(const onnx::ModelProto& model, const std::vector<Tensor>& inputs);

// The values of any numeric tensor.
std::vector<double> values_of(const Tensor& tensor);

// The largest difference between two results, relative to the largest magnitude of the expected one; infinite where types or shapes differ.
double largest_difference(const std::vector<Tensor>& expected, const std::vector<Tensor>& actual);

// Runs both on the same inputs and adds a test failure where they differ by more than `tolerance` (see largest_difference).
void expect_same_function(const onnx::ModelProto& expected, const onnx::ModelProto& actual, double tolerance = 1e-5);

}  // namespace quantize::test
