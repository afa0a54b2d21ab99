// alpha and beta of Gemms, for the passes that want them gone.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>

namespace quantize {

// Multiplies them into the float constants they belong to and removes them; one without an input to act on is removed. They stay where that
// is computed, or a large constant would have to be stored a second time (see tied_weights.h). Returns which nodes have changed;
// constants that nobody reads any more are left to the caller.
std::set<int> absorb_gemm_factors(onnx::GraphProto& graph);

}  // namespace quantize
