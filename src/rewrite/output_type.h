// What the quantized model gives back: float logits as the FP32 model does, the integers behind them, or the class of each pixel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

// What the metadata say of the first output, if they do.
std::optional<IntegerOutput> integer_output(const onnx::ModelProto& model);

// Undoes that for the first output, by the scale and the zero point in the metadata: to compare it with floats. False, and nothing is
// changed, where the metadata do not tell.
bool give_floats(onnx::ModelProto& model);

// The shape of the first output: inferred, since exporters leave out what the operators determine; where that does not tell all dimensions
// behind the batch, that of a run on `inputs`. -1 where the batch is free.
Shape first_output_shape(const onnx::ModelProto& model, std::span<const Tensor> inputs);

// The first output, which has this shape, becomes the class of each pixel: the number of the greatest channel along `axis` (the first of
// equals), and for a single channel, or without an axis, whether it is over 0.5; that axis is gone, the name stays, the type is uint8, or
// int64 for more than 256 classes. The metadata say so, under "quantize.classes.<output>". Throws Error{usage} where the output holds no
// float logits, or `shape` does not say how many channels there are.
void give_classes(Model& quantized, std::optional<int> axis, const Shape& shape);
// Whether the metadata say that.
bool gives_classes(const onnx::ModelProto& model);

}  // namespace quantize
