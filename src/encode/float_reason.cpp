#include "encode/float_reason.h"

#include "ops/op_table.h"

namespace quantize {

std::string float_reason(const onnx::NodeProto& node, const FloatNode& found, const Target& target, const GraphIndex& index) {
  if (found.is_excluded) return "excluded by request";
  const Role natural = role_of(node, index);
  if (natural != Role::floating && found.has_float_role) {
    if (!found.makes_floats) return "its tensors are not float";
    if (named_in(target.float_operators, node)) return "no integer kernel on " + target.name;
    return "only operators without an integer kernel on " + target.name + " read it";
  }
  if (!bodies(node).empty()) return "control flow: what its body holds stays float";
  if (found.is_read_for_pixels) return "the picture is quantized behind it";
  if (natural == Role::floating) return "operator is not in the table of quantizable operators";
  if (target.fuses_what_follows) return target.name + " computes it in float or within the kernel before it";
  return "none of its inputs is quantized";
}

}  // namespace quantize
