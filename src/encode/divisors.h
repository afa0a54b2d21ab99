// DIVISORS: what a network divides by, and with it what one tensor holds beside it. In linear attention (Katharopoulos et al. 2020,
// arXiv 2006.16236) one matrix product makes numerator and denominator, whose sizes differ by orders from token to token: no single step
// suits them, and a small divisor that rounds to zero is an infinity.
#pragma once

#include <set>

#include "model/graph.h"

namespace quantize {

// The nodes, by number, on the way to the divisor of a Div that is no constant: what moves it, bounds it or joins it with a constant, back
// to the sum or the product of activations that makes it, and the products whose results that one reads.
std::set<int> divisor_nodes(const GraphIndex& index);

}  // namespace quantize
