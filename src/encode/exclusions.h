// Which nodes the user wants left alone.
#pragma once

#include <set>
#include <string>

#include "encode/placement.h"

namespace quantize {

// As reports and options know a node: by its name, or by its first output where it has none.
std::string name_of(const onnx::NodeProto& node);

// By number. Throws Error{usage} for a pattern that matches nothing.
std::set<int> excluded_nodes(const onnx::GraphProto& graph, const Exclusions& exclusions);

}  // namespace quantize
