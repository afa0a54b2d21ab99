// Which nodes the user wants left alone.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "encode/placement.h"

namespace quantize {

// As reports and options know a node: by its name, or by its first output where it has none.
std::string name_of(const onnx::NodeProto& node);

// Whether a node is among them, of whatever graph. Throws Error{usage} for what is no regular expression.
std::function<bool(const onnx::NodeProto&)> excludes(const Exclusions& exclusions);

// By number. Throws Error{usage} for a pattern that matches nothing.
std::set<int> excluded_nodes(const onnx::GraphProto& graph, const Exclusions& exclusions);

}  // namespace quantize
