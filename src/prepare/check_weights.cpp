// Weights that no quantizer can save: NaN, and infinity where it is not a mask or a bound.
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "model/graph.h"
#include "model/payload.h"
#include "prepare/prepare.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

struct BadValues {
  bool nan = false;
  bool infinity = false;
};

BadValues bad_values(const Proto& tensor) {
  BadValues bad;
  const auto look = [&](auto value) {
    bad.nan |= std::isnan(value);
    bad.infinity |= std::isinf(value);
  };
  if (tensor.data_type() == Proto::DOUBLE) {
    const Tensor values = from_proto(tensor);
    for (const double value : values.as<double>()) look(value);
  } else if (tensor.data_type() == Proto::FLOAT && has_raw_payload(tensor)) {
    const Payload payload(tensor);
    const auto raw = payload.bytes();  // in place: this is nearly all of a model
    for (std::size_t at = 0; at + sizeof(float) <= raw.size(); at += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, raw.data() + at, sizeof value);
      look(value);
    }
  } else if (tensor.data_type() == Proto::FLOAT || tensor.data_type() == Proto::FLOAT16 || tensor.data_type() == Proto::BFLOAT16) {
    for (const float value : float_values(tensor)) look(value);
  }
  return bad;
}

// Infinity is a legitimate value of a bound (Clip, Pad), of an attention mask (Add, Where, Attention) and of what is compared or squashed.
// The logical operators read what a comparison or a Cast made of it.
bool may_read_infinity(const std::string& op_type) {
  static const std::set<std::string> may = {"Add",   "And",   "Attention", "Clip",        "Equal", "Exp",  "Greater", "GreaterOrEqual",
                                            "IsInf", "IsNaN", "Less",      "LessOrEqual", "Max",   "Min",  "Neg",     "Not",
                                            "Or",    "Pad",   "Sigmoid",   "Softmax",     "Sub",   "Tanh", "Where",   "Xor"};
  return may.contains(op_type);
}

// Whether infinity does harm behind it is up to its readers.
bool moves_values(const std::string& op_type) {
  static const std::set<std::string> moving = {"Cast",      "CastLike", "Concat",         "DepthToSpace",    "Expand",  "Flatten",
                                               "Gather",    "GatherND", "GatherElements", "Identity",        "Reshape", "ScatterND",
                                               "Slice",     "Split",    "SpaceToDepth",   "ScatterElements", "Squeeze", "Tile",
                                               "Transpose", "Trilu",    "Unsqueeze"};
  return moving.contains(op_type);
}

// A node that computes with the values of `tensor`, moved or not, and cannot where they are infinite. Null where there is none.
const onnx::NodeProto* reader_harmed_by_infinity(const GraphIndex& index, const std::string& tensor) {
  std::vector<std::string> open = {tensor};
  std::set<std::string> seen;
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    if (!seen.insert(name).second) continue;
    for (const auto& use : index.uses(name)) {
      const auto& node = index.node(use.node);
      if (use.input < 0 || may_read_infinity(node.op_type())) continue;
      if (!moves_values(node.op_type())) return &node;
      open.insert(open.end(), node.output().begin(), node.output().end());
    }
  }
  return nullptr;
}

void require_finite(const GraphIndex& index, const Proto& tensor, const std::string& name) {
  const auto& uses = index.uses(name);
  if (uses.empty() && !index.is_graph_output(name)) return;
  const BadValues bad = bad_values(tensor);
  if (!bad.nan && !bad.infinity) return;
  const auto* any_reader = uses.empty() ? nullptr : &index.node(uses.front().node);
  const auto* reader = bad.nan ? any_reader : reader_harmed_by_infinity(index, name);
  if (!bad.nan && reader == nullptr) return;
  throw Error(ErrorKind::numeric, "tensor '" + name + "'" + (reader == nullptr ? "" : ", which " + describe(*reader) + " reads") +
                                      ", holds " + (bad.nan ? "NaN" : "infinity") + "; the model must be repaired or retrained");
}

}  // namespace

void refuse_bad_weights(const onnx::GraphProto& graph) {
  const GraphIndex index(graph);
  for (const auto& tensor : graph.initializer()) require_finite(index, tensor, tensor.name());
  for (const auto& node : graph.node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1) continue;
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) require_finite(index, attribute.t(), node.output(0));
    }
  }
}

}  // namespace quantize
