// Small valid vision graphs, each decided by its seed alone: convolutions of every kind in chains with residuals, concatenations, shared
// tensors and weights, clamps, pools, resizes, gates, several outputs, nameless nodes.
#pragma once

#include <cstdint>

#include "model/model.h"

namespace quantize::test {

Model random_graph(std::uint32_t seed);

}  // namespace quantize::test
