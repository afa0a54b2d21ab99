#include "prepare/fuse_written_out.h"

#include <vector>

#include "model/edit.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

std::vector<WrittenOut> find_all(const onnx::GraphProto& graph, const FindWrittenOut& find) {
  const GraphIndex index(graph);
  std::vector<WrittenOut> found;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (auto one = find(index, i)) found.push_back(std::move(*one));
  }
  return found;
}

}  // namespace

std::string fuse_written_out(Model& model, const std::string& type, std::int64_t first_opset, const FindWrittenOut& find) {
  auto found = find_all(model.graph(), find);
  if (found.empty()) return {};
  std::string raised;
  if (opset_of(model.proto) < first_opset) {
    raised = raise_opset(model, first_opset);
    found = find_all(model.graph(), find);  // nodes have other numbers
  }
  for (const auto& [input, last] : found) {
    auto& node = *model.graph().mutable_node(last);
    const std::string name = node.name(), output[] = {node.output(0)};
    node = make_node(type, {&input, 1}, output);
    node.set_name(name);
  }
  remove_unused(model.graph());
  const std::string fused = counted(found.size(), type, type);
  return fused + (fused.empty() || raised.empty() ? "" : "; ") + raised;
}

}  // namespace quantize
