#include "encode/float_reason.h"

#include "ops/op_table.h"

namespace quantize {

std::string float_reason(const onnx::NodeProto& node, const FloatNode& found, const Target& target, const GraphIndex& index) {
  if (found.is_excluded) return "excluded by request";
  if (found.is_masked) return "its values hold a mask: infinity, or numbers beside which all others would round to nothing";
  if (found.is_divisor) return "it makes what other values are divided by or what a Log reads, and the small ones would round to nothing";
  const bool known = is_in_table(node), fits = role_of(node, index) != Role::floating;
  if (known && found.has_float_role) {
    if (!found.makes_floats) return "its tensors are not float";
    if (named_in(target.float_operators, node)) return "no integer kernel on " + target.name;
    if (fits) return "only operators without an integer kernel on " + target.name + " read it";
  }
  if (!bodies(node).empty()) return "control flow: what its body holds stays float";
  if (found.is_read_for_pixels) return "the picture is quantized behind it";
  if (!known) return "operator is not in the table of quantizable operators";
  if (!fits && node.op_type() == "Div") return "what it divides by may round to zero";
  if (!fits) return "quantizable in other forms only: its weights or bounds are computed, or its attributes differ";
  if (target.fuses_what_follows) return target.name + " computes it in float or within the kernel before it";
  return "none of its inputs is quantized";
}

}  // namespace quantize
