#include "run/fallback_reasons.h"

#include <sstream>
#include <vector>

namespace quantize {
namespace {

std::string after(const std::string& line, const std::string& label) {
  const auto place = line.find(label);
  return place == std::string::npos ? "" : line.substr(place + label.size());
}

}  // namespace

// The QNN provider writes for each group of nodes that it looked at:
//   Validation FAILED for 2 nodes in OrtNodeUnit (Concat) :
//   <tab>Operator type: Concat Node name: /Concat_1 Node index: 280
//   <tab>...
//   <tab>REASON : Cannot get shape
void FallbackReasons::read(const std::string& message) {
  if (message.find("Validation FAILED") == std::string::npos) return;
  std::istringstream lines(message);
  std::vector<std::string> nodes;
  std::string line, reason;
  while (std::getline(lines, line)) {
    if (const std::string name = after(line, "Node name: "); !name.empty()) nodes.push_back(name.substr(0, name.rfind(" Node index:")));
    if (const std::string text = after(line, "REASON : "); !text.empty()) reason = text;
  }
  for (const auto& node : nodes) {
    auto& kept = reasons_[node];
    if (kept.empty()) kept = reason;
  }
}

std::string FallbackReasons::of(const std::string& node) const {
  const auto found = reasons_.find(node);
  return found == reasons_.end() ? "" : found->second;
}

}  // namespace quantize
