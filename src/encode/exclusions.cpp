#include "encode/exclusions.h"

#include <regex>

#include "base/error.h"

namespace quantize {

std::string name_of(const onnx::NodeProto& node) { return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name(); }

std::set<int> excluded_nodes(const onnx::GraphProto& graph, const Exclusions& exclusions) {
  std::set<int> excluded;
  const auto exclude = [&](const std::string& what, const auto& matches) {
    bool any = false;
    for (int i = 0; i < graph.node_size(); ++i) {
      if (!matches(graph.node(i))) continue;
      excluded.insert(i);
      any = true;
    }
    if (!any) throw Error(ErrorKind::usage, what + " matches no node of the model; `quantize MODEL --dry-run -v` lists them");
  };
  for (const auto& name : exclusions.nodes) {
    exclude("excluded node '" + name + "'", [&](const auto& node) { return name_of(node) == name; });
  }
  for (const auto& type : exclusions.op_types) {
    exclude("excluded operator type '" + type + "'", [&](const auto& node) { return node.op_type() == type; });
  }
  for (const auto& pattern : exclusions.patterns) {
    std::regex expression;
    try {
      expression = std::regex(pattern);
    } catch (const std::regex_error& error) {
      throw Error(ErrorKind::usage, "'" + pattern + "' is not a regular expression: " + error.what());
    }
    exclude("excluded pattern '" + pattern + "'", [&](const auto& node) { return std::regex_search(name_of(node), expression); });
  }
  return excluded;
}

}  // namespace quantize
