// Chooses every activation range by the error it causes at the output of the next weighted operator, measured there on real values.
#pragma once

#include "base/context.h"
#include "observe/statistics.h"
#include "optimize/optimize.h"

namespace quantize {

// Candidates per tensor group: what it has, min-max, percentile (two), entropy, least squares with and without a weight on clipping, and
// parts of it. Judged by E|W (x - Q(x))|^2 over all weighted operators W that read the group (less the mean where a bias takes it up), or
// for the input of a Sigmoid by the error behind it, on `positions` positions of each sample. Groups that neither reads, graph outputs and
// exactly known ranges stay as they are. Returns the number of groups whose encoding changed.
int select_ranges(Plan& plan, const Statistics& statistics, const OptimizeInput& input, std::size_t positions, const Context& context);

// Of `wanted` samples, as many as their activations fit into context.working_memory, and what select_ranges() then keeps at the most.
// `live`: bytes of one sample's, see OptimizeInput; `positions`: as for select_ranges().
std::size_t samples_for_ranges(std::size_t wanted, std::size_t live, const Context& context);
std::size_t range_bytes(const Plan& plan, std::size_t samples, std::size_t live, std::size_t positions, const Context& context);

}  // namespace quantize
