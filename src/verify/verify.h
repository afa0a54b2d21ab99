// VERIFY: is the file that was written what the plan says? Read back from disk, so that what is checked is what the user gets.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/model.h"

namespace quantize {

// Each check returns what it found wrong, in words that name the tensor or node.
using Issues = std::vector<std::string>;

// Every planned weight is stored in the planned type behind a DequantizeLinear with the planned axis and scales, and its values differ from
// the float weights by no more than half a step (where they were not clipped).
Issues check_weights(const Model& prepared, const onnx::ModelProto& written, const Placement& placement, const Encodings& encodings);
// Every int32 bias has scale = input scale x weight scale, bit for bit.
Issues check_biases(const onnx::ModelProto& written);
// Every planned activation has a Quantize/DequantizeLinear pair of the planned type, scale and zero point, and there are no others but what
// rounds the prepared model's input to pixels.
Issues check_activations(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                         const Encodings& encodings);
// Every PRelu planned on integers has the planned slopes, and one encoding for what it reads, compares and makes; every HardSwish its gate
// and the encodings of its input and output.
Issues check_integer_activations(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                                 const Encodings& encodings);
// What rounds the input to pixels, channel by channel, is what the prepared model has.
Issues check_pixels(const onnx::ModelProto& prepared, const onnx::ModelProto& written);
// Every encoding has the bits that the scheme and its exceptions give it. Not part of verify(): a plan may come from elsewhere.
Issues check_bits(const Placement& placement, const Encodings& encodings, const Scheme& scheme);
// Inputs and outputs have the names, types and shapes of the original.
Issues check_interface(const onnx::ModelProto& original, const onnx::ModelProto& written);

// What the outputs are after a change of their type: integers are the float outputs exactly, given scale and zero point in the metadata;
// classes are the greatest channels of the float output along `class_axis`, or, without one, what is over 0.5; all others are the same, bit
// for bit.
Issues check_outputs(const onnx::ModelProto& with_floats, const onnx::ModelProto& written, std::optional<int> class_axis,
                     std::span<const Tensor> inputs);

// All of the above but the last, ONNX's checker, and one run in ONNX Runtime with its default options, without a warning that the prepared
// model does not give as well. Throws Error{verification} listing what is wrong.
void verify(const Model& original, const Model& prepared, const std::filesystem::path& file, const Placement& placement,
            const Encodings& encodings, std::span<const Tensor> inputs);

}  // namespace quantize
