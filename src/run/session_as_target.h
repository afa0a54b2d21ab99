// How this machine's CPU stands for the target where a quantized model is measured.
#pragma once

#include "ops/target.h"
#include "run/session.h"

namespace quantize {

// For whatever decides by figures of the written model, so that it sees what the report will say: with ONNX Runtime's integer kernels only
// where the target's weights keep to their sums of 16 bits (pair_overflow.h); for others the CPU computes what the file says.
SessionOptions session_as_target(const Target& target);

}  // namespace quantize
