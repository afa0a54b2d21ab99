// Who reads a group's values, and what that means for its range.
#pragma once

#include <set>
#include <string>

#include "encode/placement.h"
#include "model/graph.h"

namespace quantize {

// Whether this use of a member only moves its values within the group: by a moving operator, or a Concat whose result is a member, too.
bool moves_within(const TensorGroup& group, const Use& use, const GraphIndex& index);

// Sets `unclipped`, `distinct` and `negative_weight` from the operators that read the group's members. Shares that are a graph output keep
// their exact range: whoever reads it may meet any.
void note_readers(TensorGroup& group, const GraphIndex& index);

// What the operator that makes a group's only source says of its values: a Cast from bytes (one of the tensors `bytes`) makes pixels, and
// some operators' results have bounds.
void note_maker(TensorGroup& group, const onnx::NodeProto& maker, const GraphIndex& index, const Target& target,
                const std::set<std::string>& bytes);

}  // namespace quantize
