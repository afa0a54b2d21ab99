// DIVISORS: what a network divides by, and with it what one tensor holds beside it. In linear attention (Katharopoulos et al. 2020,
// arXiv 2006.16236) one matrix product makes numerator and denominator, whose sizes differ by orders from token to token: no single step
// suits them, and a small divisor that rounds to zero is an infinity. A Log is as fastidious about what it reads.
#pragma once

#include <set>

#include "model/graph.h"

namespace quantize {

// The nodes, by number, on the way to what a Div, a Reciprocal or a negative power divides by, or a Log reads, where that is no constant:
// what bounds it from below, joins it with a constant or takes its root, back to the sum or the product of activations that makes it; the
// squares that such a sum is of (normalizations written out), and the products whose results such a product reads; what only moves those.
// So are a Reciprocal or negative power itself, and what moves it or joins it with a constant, where its results are factors of other
// values only.
std::set<int> divisor_nodes(const GraphIndex& index);

}  // namespace quantize
