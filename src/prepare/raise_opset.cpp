// Raises the model's opset version by version. In each, the nodes whose operator changed its form are rewritten by the table of
// raise_table.cpp; all others are checked against the operator's new definition. Only where that does not work is ONNX's own version
// converter asked, for the whole model: it gets several operators wrong without a word, so that it is the last resort. The parity check has
// the last word in any case.
#include <onnx/defs/schema.h>
#include <onnx/version_converter/convert.h>

#include "base/error.h"
#include "model/graph.h"
#include "prepare/passes.h"
#include "prepare/raise_step.h"

namespace quantize {
namespace {

constexpr std::int64_t oldest_kept = 13;  // per-channel QuantizeLinear
constexpr std::int64_t raised_to = 17;    // LayerNormalization exists, reductions still have their axes where most runtimes look for them

const onnx::OpSchema* schema_of(const onnx::NodeProto& node, std::int64_t version) {
  return onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(version), onnx::ONNX_DOMAIN);
}

bool changes_at(const onnx::NodeProto& node, std::int64_t version) {
  return standard_domain(node) && schema_of(node, version) != schema_of(node, version - 1);
}

// A node without an entry in the table is right as it is if the new definition accepts it.
void require_valid(const onnx::NodeProto& node, std::int64_t version) {
  const auto* schema = schema_of(node, version);
  const std::string reason = "opset " + std::to_string(version) + " ";
  if (schema == nullptr || schema->deprecated()) throw Error(ErrorKind::verification, reason + "has no " + node.op_type() + " any more");
  try {
    schema->Verify(node);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::verification, reason + "does not accept " + describe(node) + ": " + error.what());
  }
}

// Returns how many nodes were rewritten, those in subgraphs included.
std::size_t raise_graph(onnx::GraphProto& graph, std::int64_t version, NameMaker& names, const ValueTypes& types) {
  std::size_t rewritten = 0;
  bool any = false;
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) rewritten += raise_graph(*body, version, names, types);
    any |= changes_at(node, version);
  }
  if (!any) return rewritten;
  RaiseStep step(graph, names, types);
  std::vector<onnx::NodeProto> nodes;
  for (const auto& node : graph.node()) {
    const bool changes = changes_at(node, version);
    const auto raise = changes ? find_raise(node.op_type(), version) : nullptr;
    if (raise == nullptr) {
      if (changes) require_valid(node, version);
      nodes.push_back(node);
      continue;
    }
    raise(node, step);
    for (auto& emitted : step.take_emitted()) nodes.push_back(std::move(emitted));
    ++rewritten;
  }
  set_nodes(graph, std::move(nodes));
  return rewritten;
}

std::size_t raise_by_table(onnx::ModelProto& proto, std::int64_t from, std::int64_t to) {
  const ValueTypes types(proto);
  NameMaker names(proto.graph());
  std::size_t rewritten = 0;
  for (std::int64_t version = from + 1; version <= to; ++version) rewritten += raise_graph(*proto.mutable_graph(), version, names, types);
  set_opset(proto, to);
  remove_unused(*proto.mutable_graph());
  return rewritten;
}

void raise_by_converter(Model& model, std::int64_t to, const std::string& reason) {
  try {
    model.proto = onnx::version_conversion::ConvertVersion(model.proto, static_cast<int>(to));
  } catch (const std::exception& error) {
    throw Error(ErrorKind::verification, reason + "; and ONNX's version converter says: " + error.what());
  }
  unpack_constants(model);  // it leaves new ones behind
}

// The oldest file format that may import this opset.
std::int64_t format_for(std::int64_t opset) {
  constexpr std::pair<std::int64_t, std::int64_t> formats[] = {{24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}};
  for (const auto& [first, format] : formats) {
    if (opset >= first) return format;
  }
  return 4;
}

}  // namespace

std::string raise_opset(Model& model, std::int64_t version) {
  const std::int64_t from = opset_of(model.proto);
  const std::int64_t to = std::max(version, from < oldest_kept ? raised_to : from);
  model.proto.set_ir_version(std::max(model.proto.ir_version(), format_for(to)));  // 4-bit weights need theirs, whatever the opset was
  if (to <= from) return {};
  const std::string what = "opset " + std::to_string(from) + " to " + std::to_string(to);
  std::string how;
  inline_functions(model);  // a body keeps the opset it was written for, which must not differ where an operator changed
  onnx::ModelProto raised = model.proto;
  try {
    how = std::to_string(raise_by_table(raised, from, to)) + " nodes rewritten";
    model.proto = std::move(raised);
  } catch (const Error& error) {
    raise_by_converter(model, to, what + ": " + error.what());
    how = "by ONNX's version converter";
  }
  return what + ", " + how;
}

}  // namespace quantize
