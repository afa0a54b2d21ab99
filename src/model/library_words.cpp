#include "model/library_words.h"

#include <regex>

#include "model/graph.h"

namespace quantize {
namespace {

// The ways in which the two libraries name a node; the first group is its name, the second, where there is one, its operator.
const std::vector<std::regex>& node_patterns() {
  static const std::vector<std::regex> patterns = {
      std::regex(R"([Nn]ame: (.*) OpType: (\S+))"), std::regex(R"re(In Node, \("([^"]*)", (\w+))re"),
      std::regex(R"(Node \((.*?)\) Op \((\w+)\))"), std::regex(R"(Error in Node:(\S*) )"),
      std::regex(R"(node with name '([^']*)')"),    std::regex(R"(Node:(.*?) Output:)"),
      std::regex(R"(Name:'([^']*)' Status)"),       std::regex(R"(Node:? \(([^)]*)\))", std::regex::icase),
  };
  return patterns;
}

const onnx::NodeProto* find_node(const onnx::GraphProto& graph, const std::string& name, const std::string& op_type) {
  for (const auto& node : graph.node()) {
    const bool same_type = op_type.empty() || node.op_type() == op_type;
    if (same_type && node.name() == name && (!name.empty() || !op_type.empty())) return &node;
  }
  return nullptr;
}

const onnx::NodeProto* node_spoken_of(const std::string& text, const onnx::GraphProto& graph) {
  for (const auto& pattern : node_patterns()) {
    std::smatch match;
    if (!std::regex_search(text, match, pattern)) continue;
    if (const auto* node = find_node(graph, match[1], match.size() > 2 ? match[2].str() : "")) return node;
  }
  return nullptr;
}

}  // namespace

std::string plain_words(const std::string& text, const onnx::GraphProto& graph) {
  std::string words = text.substr(0, text.find("==> Context"));
  for (const auto& [pattern, replacement] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"(/onnxruntime_src/\S+\s)", ""},
           {R"(\[ONNXRuntimeError\] : \d+ : \w+ : )", ""},
           {R"(Load model from memory failed:|This is an invalid model\. |Exception during initialization: )", ""},
           {R"(\s+)", " "},
           {R"(^ | $)", ""}}) {
    words = std::regex_replace(words, std::regex(pattern), replacement);
  }
  const auto* node = node_spoken_of(text, graph);
  return node != nullptr ? describe(*node) + ": " + words : words;
}

}  // namespace quantize
