// High-bias absorption (Nagel et al. 2019, arXiv 1906.04721): a channel that never comes near zero behind its Relu wastes the part of the
// range below its smallest value. That part is moved into the biases of the operators that read it.
//
// BEFORE  Conv1(W1, b1) -> Relu -> x -> Conv2(W2, b2)      AFTER  Conv1(W1, b1 - c) -> Relu -> x - c -> Conv2(W2, b2 + W2 c)      c >= 0
//
// The same function wherever x >= c: c is the smallest value of the statistics, less as much room as their whole range takes. They are of a
// few samples, and values below c would be cut off for good.
#pragma once

#include "encode/placement.h"
#include "model/model.h"
#include "observe/statistics.h"

namespace quantize {

// Only where every reader is a convolution without padding or a Gemm, with constants of their own. Returns the number of channels moved.
int absorb_biases(Model& model, const Placement& placement, const Statistics& statistics);

}  // namespace quantize
