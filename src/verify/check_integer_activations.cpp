#include <algorithm>

#include "encode/integer_activation.h"
#include "model/attribute.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "verify/verify.h"
#include "verify/written_nodes.h"

namespace quantize {
namespace {

bool has_parameters(const onnx::NodeProto& node, const Encoding& encoding, const GraphIndex& index) {
  const auto *scale = index.initializer(node.input(1)), *zero = index.initializer(node.input(2));
  return scale != nullptr && zero != nullptr && float_values(*scale) == encoding.scale && zero->data_type() == encoding.type &&
         int_values(*zero)[0] == encoding.zero_point[0];
}

// A depthwise convolution by 127 at these scales, one or one per channel.
bool has_factors(const onnx::NodeProto& convolution, const std::vector<float>& scales, const GraphIndex& index) {
  const auto* weight = index.producer(convolution.input(1));
  if (weight == nullptr || !is_dequantizer(*weight) || weight->input_size() != 2) return false;
  const auto *integers = index.initializer(weight->input(0)), *stored = index.initializer(weight->input(1));
  if (integers == nullptr || stored == nullptr || (scales.size() > 1 && int_attribute(*weight, "axis", 1) != 0)) return false;
  return float_values(*stored) == scales && int_attribute(convolution, "group", 1) == integers->dims(0) &&
         std::ranges::all_of(int_values(*integers), [](std::int64_t factor) { return factor == factor_weight; });
}

const onnx::NodeProto* only_reader(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto use = index.only_use(node.output(0));
  return use ? &index.node(use->node) : nullptr;
}

// Max of q and of its values times slopes, all with one encoding; see integer_activation.h.
bool is_integer_prelu(const onnx::NodeProto& slopes, const std::vector<float>& scales, const Encoding& encoding, const GraphIndex& index) {
  const auto* scaled = only_reader(slopes, index);
  const auto* maximum = scaled != nullptr && is_quantizer(*scaled) ? only_reader(*scaled, index) : nullptr;
  if (maximum == nullptr || !is_integer_max(*maximum, index)) return false;
  const auto *given = index.producer(maximum->input(0)), *input = index.producer(slopes.input(0));
  if (given == nullptr || !is_quantizer(*given) || input == nullptr || !is_dequantizer(*input)) return false;
  if (input->input(0) != maximum->input(0) || maximum->input(1) != scaled->output(0)) return false;
  return has_factors(slopes, scales, index) && has_parameters(*given, encoding, index) && has_parameters(*scaled, encoding, index) &&
         has_parameters(*input, encoding, index) && std::ranges::all_of(index.uses(maximum->output(0)), [&](const Use& use) {
           return !is_dequantizer(index.node(use.node)) || has_parameters(index.node(use.node), encoding, index);
         });
}

// x times the gate that is made of it. The scale of the summand is check_biases()' business.
bool is_integer_hard_swish(const onnx::NodeProto& gate, const Encoding& read, const Encoding& made, const GraphIndex& index) {
  const auto* input = index.producer(gate.input(0));
  if (input == nullptr || !is_dequantizer(*input) || !has_parameters(*input, read, index) || gate.input_size() != 3) return false;
  const auto summand = constant_behind(gate.input(2), index);
  if (summand.integers == nullptr) return false;
  if (std::ranges::any_of(int_values(*summand.integers), [&](auto value) { return value != gate_summand(read); })) return false;
  const auto* quantizer = only_reader(gate, index);
  const auto* dequantizer = quantizer != nullptr && is_quantizer(*quantizer) ? only_reader(*quantizer, index) : nullptr;
  const auto* product = dequantizer != nullptr && is_dequantizer(*dequantizer) ? only_reader(*dequantizer, index) : nullptr;
  const auto* result = product != nullptr ? only_reader(*product, index) : nullptr;
  if (result == nullptr || !is_quantizer(*result) || product->op_type() != "Mul") return false;
  return product->input(0) == gate.input(0) && product->input(1) == dequantizer->output(0) && has_factors(gate, {gate_scale}, index) &&
         has_parameters(*quantizer, gate_encoding(), index) && has_parameters(*dequantizer, gate_encoding(), index) &&
         has_parameters(*result, made, index);
}

}  // namespace

Issues check_integer_activations(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                                 const Encodings& encodings) {
  Issues issues;
  const GraphIndex before(prepared.graph()), after(written.graph());
  const auto nodes = written_nodes(written.graph(), after);
  const auto planned = planned_nodes(before, placement, encodings);
  if (nodes.size() != planned.size()) return {};  // which check_weights() says
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (planned[i].weighted != nullptr) continue;
    const auto& node = before.node(planned[i].number);
    const auto &read = encodings.activations.at(node.input(0)), &made = encodings.activations.at(node.output(0));
    const bool as_planned =
        shares_encoding(node)
            ? is_integer_prelu(*nodes[i], slope_scales(slopes_of(node, *before.producer(node.input(0)), before)), made, after)
            : is_integer_hard_swish(*nodes[i], read, made, after);
    if (!as_planned) issues.push_back(describe(node) + " is not computed as planned");
  }
  return issues;
}

}  // namespace quantize
