// ONNX Runtime's integer GlobalAveragePool refuses to run where input scale / (output scale * values per channel) reaches 256: where the
// means are next to nothing beside the values, as behind a normalisation.
#pragma once

#include "encode/encodings.h"
#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

// Widens the ranges of such means, and of what shares their encoding, to where a step is a 255th of the input's.
void widen_pool_scales(const GraphIndex& index, const Placement& placement, Encodings& encodings);

}  // namespace quantize
