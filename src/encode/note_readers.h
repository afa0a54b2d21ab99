// What the readers of a group mean for its range.
#pragma once

#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

// Sets `unclipped`, `distinct` and `negative_weight` from the operators that read the group's members.
void note_readers(TensorGroup& group, const GraphIndex& index);

}  // namespace quantize
