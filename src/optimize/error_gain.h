// What the activation function behind a layer makes of the layer's errors: a fit that counts all positions alike spends itself on outputs
// that a Sigmoid or Relu cuts off.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/graph.h"
#include "optimize/columns.h"

namespace quantize {

// What becomes of the square of an error of this size at this value, on average over both signs: the squared slope from value - error to
// value + error of the function that alone reads `output`, at least 0.03, relative to the steepest there is; behind operators that only
// move values, or scale a picture up, too. Empty where there is no such function, or it is the same everywhere.
std::function<double(double value, double error)> error_gain(const std::string& output, const GraphIndex& index);

// The gain at the outputs of a layer without groups.
struct OutputGain {
  std::function<double(double, double)> at;
  Matrix weights;
  std::vector<float> bias;   // per output channel; empty: none
  std::vector<float> steps;  // of rounding the weights: per output channel, or one for all

  // Columns of both networks as ColumnView::gather() writes them -> per column, the square root of the mean gain over the output channels.
  // The error is what the quantized network's column and weights rounded at random bring about.
  [[nodiscard]] std::vector<float> roots(std::span<const float> fp, std::span<const float> q, std::size_t count) const;
};

}  // namespace quantize
