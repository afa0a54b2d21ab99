// What fuzzing feeds: each takes any bytes at all and returns; an Error is the expected answer to nonsense, everything else is a defect.
#pragma once

#include <cstdint>
#include <span>

namespace quantize::fuzz {

using Bytes = std::span<const std::uint8_t>;

void fuzz_model(Bytes bytes);   // the model loader and what looks at a graph before ONNX Runtime does
void fuzz_image(Bytes bytes);   // pictures and label pictures
void fuzz_npy(Bytes bytes);     // .npy tensors, and fitting them to a model input
void fuzz_config(Bytes bytes);  // a --config file, through the command line's own parser

}  // namespace quantize::fuzz
