// Writes the forms of encode/integer_activation.h.
#pragma once

#include <string>

#include "rewrite/qdq_writer.h"

namespace quantize {

// The input of the activation function, as it is written: dequantized, and its integers.
struct IntegerInput {
  std::string values, integers;
  const Encoding& encoding;
  Shape factors;  // the shape of weights with one factor per channel
};

// Returns the integers of the result, which have the input's encoding.
std::string write_integer_prelu(const IntegerInput& input, const std::vector<float>& slopes, QdqWriter& writer);
// Makes `output`, the product, which is not yet quantized.
void write_integer_hard_swish(const IntegerInput& input, const std::string& name, const std::string& output, QdqWriter& writer);

}  // namespace quantize
