// What the quantized model gives back: float logits as the FP32 model does, the integers behind them, or the class of each pixel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/tensor.h"

namespace quantize {

enum class OutputType { floats, integers, classes };

// real = scale * (integer - zero_point)
struct IntegerOutput {
  std::string name;
  ElementType type = onnx::TensorProto::UNDEFINED;
  float scale = 0;
  std::int64_t zero_point = 0;
};

// Every float output loses its last DequantizeLinear and keeps its name; scale and zero point are kept in the model's metadata, as
// "quantize.scale.<output>" and "quantize.zero_point.<output>". Throws Error{usage} where an output is not quantized.
std::vector<IntegerOutput> give_integers(Model& quantized);

// The first output becomes the class of each pixel: the number of the greatest channel along `axis` (the first of equals), and for a single
// channel whether it is over 0.5; that axis is gone, the name stays, the type is uint8, or int64 for more than 256 classes. Throws
// Error{usage} where the output holds no float logits.
void give_classes(Model& quantized, int axis);

}  // namespace quantize
