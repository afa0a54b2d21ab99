#include "model/large_weights.h"

#include <limits>

#include "base/files.h"
#include "model/model.h"
#include "model/payload.h"

namespace quantize {
namespace {

void copy_all_but_initializers(const onnx::ModelProto& from, onnx::ModelProto& to) {
  if (from.has_ir_version()) to.set_ir_version(from.ir_version());
  if (from.has_producer_name()) to.set_producer_name(from.producer_name());
  if (from.has_producer_version()) to.set_producer_version(from.producer_version());
  if (from.has_domain()) to.set_domain(from.domain());
  if (from.has_model_version()) to.set_model_version(from.model_version());
  if (from.has_doc_string()) to.set_doc_string(from.doc_string());
  *to.mutable_opset_import() = from.opset_import();
  *to.mutable_metadata_props() = from.metadata_props();
  *to.mutable_functions() = from.functions();
  const auto& graph = from.graph();
  auto& copy = *to.mutable_graph();
  if (graph.has_name()) copy.set_name(graph.name());
  if (graph.has_doc_string()) copy.set_doc_string(graph.doc_string());
  *copy.mutable_node() = graph.node();
  *copy.mutable_sparse_initializer() = graph.sparse_initializer();
  *copy.mutable_input() = graph.input();
  *copy.mutable_output() = graph.output();
  *copy.mutable_value_info() = graph.value_info();
  *copy.mutable_quantization_annotation() = graph.quantization_annotation();
  *copy.mutable_metadata_props() = graph.metadata_props();
}

}  // namespace

void move_out_large_weights(onnx::GraphProto& graph, const WeightLimits& limits, std::shared_ptr<AppendFile>& scratch) {
  std::uint64_t total = 0;
  for (const auto& tensor : graph.initializer()) total += tensor.ByteSizeLong();
  if (total <= limits.in_protobuf) return;
  for (auto& tensor : *graph.mutable_initializer()) {
    if (!tensor.has_raw_data() || tensor.raw_data().size() < limits.tensor) continue;
    if (!scratch) scratch = std::make_shared<AppendFile>();
    const auto offset = scratch->append(tensor.raw_data());
    set_external_place(tensor, {scratch->path(), offset, tensor.raw_data().size()});
  }
}

onnx::ModelProto copy_without_payloads(const onnx::ModelProto& model, std::uint64_t largest_kept, const PutPayload& in_place_of) {
  onnx::ModelProto copy;
  copy_all_but_initializers(model, copy);
  for (const auto& tensor : model.graph().initializer()) {
    auto& header = *copy.mutable_graph()->add_initializer();
    if (!is_external(tensor) && tensor.ByteSizeLong() <= largest_kept) {
      header = tensor;
      continue;
    }
    header.set_name(tensor.name());
    header.set_data_type(tensor.data_type());
    *header.mutable_dims() = tensor.dims();
    if (in_place_of) in_place_of(header, tensor);
  }
  return copy;
}

std::string content_fingerprint(const onnx::ModelProto& model) {
  std::string weights;
  const auto add = [&](const onnx::TensorProto&, const onnx::TensorProto& original) { weights += fingerprint(Payload(original).bytes()); };
  const auto headers = copy_without_payloads(model, std::numeric_limits<std::uint64_t>::max(), add);
  return fingerprint(serialize(headers) + weights);
}

}  // namespace quantize
