// Encodings in the formats of other tools: AIMET's encodings (versions 0.6.1, 1.0.0, 2.0.0), in and out, and ONNX Runtime's
// TensorQuantOverrides, in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "encode/encodings.h"
#include "encode/overrides.h"

namespace quantize {

enum class AimetVersion { v0_6_1, v1_0_0, v2_0_0 };

// AIMET's file for the prepared model whose tensors `encodings` name. Biases are left out: they follow from input and weight.
std::string write_aimet(const Encodings& encodings, AimetVersion version);

// Any of the formats above, told apart by their content. Entries of a float type leave the tensor as it is. Throws Error{data} naming file,
// tensor and what is wrong: not JSON, none of the formats, another version, block-wise scales, an integer type that is not known here.
Overrides read_overrides(const std::filesystem::path& file);
// The same from text; `name` stands for the file in messages.
Overrides parse_overrides(std::string_view json, const std::filesystem::path& name);

}  // namespace quantize
