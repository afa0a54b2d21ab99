// Weights that no quantizer can save: NaN, and infinity where it is not a mask or a bound.
#include <algorithm>
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

// Infinity is a legitimate value of a bound (Clip, Pad) and of an attention mask (Add, Where).
bool may_be_infinite(const GraphIndex& index, const std::string& tensor) {
  static const std::set<std::string> harmless = {"Add", "Cast", "CastLike", "Clip",    "ConstantOfShape", "Expand", "Identity",
                                                 "Max", "Min",  "Pad",      "Reshape", "Unsqueeze",       "Where"};
  const auto& uses = index.uses(tensor);
  return std::all_of(uses.begin(), uses.end(),
                     [&](const Use& use) { return use.input < 0 || harmless.contains(index.node(use.node).op_type()); });
}

void require_finite(const GraphIndex& index, const Proto& tensor, const std::string& name) {
  const BadValues bad = bad_values(tensor);
  if (!bad.nan && (!bad.infinity || may_be_infinite(index, name))) return;
  const auto& uses = index.uses(name);
  const std::string reader = uses.empty() ? "" : ", which " + describe(index.node(uses.front().node)) + " reads";
  throw Error(ErrorKind::numeric,
              "tensor '" + name + "'" + reader + ", holds " + (bad.nan ? "NaN" : "infinity") + "; the model must be repaired or retrained");
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
