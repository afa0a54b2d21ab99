// A run whose quantized model takes pixels: how pictures are fed to it, and whether it is still the model of the file.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataset/sample_source.h"
#include "model/model.h"
#include "pipeline/options.h"

namespace quantize {

// The model takes pixels, in the order that options.input_type asks for. `inputs` is what it took; returns what it takes now.
std::vector<InputSpec> take_pixels_as_asked(Model& model, std::vector<InputSpec> inputs, const Options& options);

// What such a model makes of pixels, by its metadata ("quantize.pixels.<input>"): "scale 0.00392157, mean 0.485 0.456 0.406, std ..., rgb".
std::optional<std::string> made_of_pixels(const onnx::ModelProto& model);

// How a picture becomes what the quantized model takes.
Preprocess fed_preprocess(const Options& options);

// Does the model that takes pixels compute what the file does on normalised floats? On real pictures, fed to both in their own form;
// `samples` are those of pixels, `file_inputs` what the file takes. Throws Error{verification}.
void check_pixel_model(const Model& pixel_model, const SampleSource& samples, const std::vector<InputSpec>& file_inputs,
                       const Options& options);

// A prepared model that takes floats, told to round them to the pixels they come from (prepare/pixel_input.h); nothing where it cannot, or
// where that moves what its first convolution makes of `inputs`: they are no normalised pictures of 8 bits then.
std::optional<Model> rounded_to_pixels(const Model& prepared, std::span<const std::vector<Tensor>> inputs, const Options& options);

}  // namespace quantize
