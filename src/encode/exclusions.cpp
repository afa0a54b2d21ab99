#include "encode/exclusions.h"

#include <algorithm>
#include <regex>
#include <vector>

#include "base/error.h"
#include "base/lower_case.h"
#include "base/suggest.h"

namespace quantize {
namespace {

struct Rule {
  std::string what;
  std::function<bool(const onnx::NodeProto&)> matches;
  std::string word = {};                                                   // of a name or a type that may be mistyped
  std::function<std::string(const onnx::NodeProto&)> candidate = nullptr;  // what it may stand for
};

std::vector<Rule> rules_of(const Exclusions& exclusions) {
  std::vector<Rule> rules;
  for (const auto& name : exclusions.nodes) {
    rules.push_back({"excluded node '" + name + "'", [name](const auto& node) { return name_of(node) == name; }, name, name_of});
  }
  for (const auto& type : exclusions.op_types) {
    rules.push_back({"excluded operator type '" + type + "'", [type](const auto& node) { return node.op_type() == type; }, type,
                     [](const auto& node) { return node.op_type(); }});
  }
  for (const auto& pattern : exclusions.patterns) {
    std::regex expression;
    try {
      expression = std::regex(pattern);
    } catch (const std::regex_error& error) {
      throw Error(ErrorKind::usage, "'" + pattern + "' is not a regular expression: " + error.what());
    }
    rules.push_back(
        {"excluded pattern '" + pattern + "'", [expression](const auto& node) { return std::regex_search(name_of(node), expression); }});
  }
  return rules;
}

// "conv" stands for "Conv" before it stands for what differs from it in fewer letters.
std::string hint(const Rule& rule, const onnx::GraphProto& graph) {
  if (rule.candidate == nullptr) return "";
  std::vector<std::string> known;
  for (const auto& node : graph.node()) {
    known.push_back(rule.candidate(node));
    if (lower_case(known.back()) == lower_case(rule.word)) return "; did you mean '" + known.back() + "'?";
  }
  return did_you_mean(rule.word, known);
}

}  // namespace

std::string name_of(const onnx::NodeProto& node) { return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name(); }

std::function<bool(const onnx::NodeProto&)> excludes(const Exclusions& exclusions) {
  return [rules = rules_of(exclusions)](const onnx::NodeProto& node) {
    return std::ranges::any_of(rules, [&](const Rule& rule) { return rule.matches(node); });
  };
}

std::set<int> excluded_nodes(const onnx::GraphProto& graph, const Exclusions& exclusions) {
  std::set<int> excluded;
  for (const auto& rule : rules_of(exclusions)) {
    bool any = false;
    for (int i = 0; i < graph.node_size(); ++i) {
      if (!rule.matches(graph.node(i))) continue;
      excluded.insert(i);
      any = true;
    }
    if (!any)
      throw Error(ErrorKind::usage,
                  rule.what + " matches no node of the model; `quantize MODEL --calib random --dry-run -v` lists them" + hint(rule, graph));
  }
  return excluded;
}

}  // namespace quantize
