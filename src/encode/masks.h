// MASKS: constants that hide positions from a Softmax behind them, by infinity or by values so far from all others that beside them
// these would round to nothing.
#pragma once

#include <set>

#include "model/graph.h"

namespace quantize {

// The nodes, by number, whose results hold such values: an Add, Sub, Mul, Where or Concat that brings them in from a constant, and those
// and moving operators that pass them on.
std::set<int> masked_nodes(const GraphIndex& index);

}  // namespace quantize
