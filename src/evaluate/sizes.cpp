#include <map>

#include "evaluate/evaluate.h"
#include "model/graph.h"
#include "model/payload.h"

namespace quantize {
namespace {

struct Content {
  std::uint64_t bytes = 0;
  int tensors = 0;
};

// What an initializer is for decides its kind: the first input of a DequantizeLinear is a weight or bias, its second and third are scales
// and zero points.
std::string kind_of(const onnx::TensorProto& tensor, const GraphIndex& index) {
  for (const auto& use : index.uses(tensor.name())) {
    const auto& type = index.node(use.node).op_type();
    if (type != "QuantizeLinear" && type != "DequantizeLinear") continue;
    if (use.input > 0) return "scales and zero points";
    return type_name(static_cast<ElementType>(tensor.data_type())) +
           (tensor.data_type() == onnx::TensorProto::INT32 ? " biases" : " weights");
  }
  return type_name(static_cast<ElementType>(tensor.data_type())) +
         (tensor.data_type() == onnx::TensorProto::INT64 ? " constants" : " weights");
}

std::map<std::string, Content> contents(const onnx::ModelProto& model) {
  const GraphIndex index(model.graph());
  std::map<std::string, Content> kinds;
  std::uint64_t rest = stored_bytes(model);
  for (const auto& tensor : model.graph().initializer()) {
    const std::uint64_t bytes = stored_bytes(tensor);
    auto& content = kinds[kind_of(tensor, index)];
    content.bytes += bytes;
    content.tensors += 1;
    rest -= bytes;
  }
  kinds["graph"] = {rest, 0};
  return kinds;
}

}  // namespace

std::vector<SizeOfKind> sizes_by_kind(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized) {
  const auto before = contents(fp32), after = contents(quantized);
  std::map<std::string, SizeOfKind> rows;
  for (const auto& [kind, content] : before) rows[kind] = {kind, content.bytes, 0, content.tensors};
  for (const auto& [kind, content] : after) {
    auto& row = rows[kind];
    row.kind = kind;
    row.quantized_bytes = content.bytes;
    row.tensors = content.tensors;
  }
  std::vector<SizeOfKind> sizes;
  sizes.reserve(rows.size());
  for (const auto& [kind, row] : rows) sizes.push_back(row);
  return sizes;
}

}  // namespace quantize
