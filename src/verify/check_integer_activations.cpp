#include <algorithm>
#include <cmath>

#include "encode/integer_activation.h"
#include "model/attribute.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "verify/verify.h"

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

// Max of q and of its values times slopes, all with one encoding; see integer_activation.h.
bool is_integer_prelu(const onnx::NodeProto& maximum, const std::vector<float>& scales, const Encoding& encoding, const GraphIndex& index) {
  const auto *given = index.producer(maximum.input(0)), *scaled = index.producer(maximum.input(1));
  const auto* slopes = scaled != nullptr ? index.producer(scaled->input(0)) : nullptr;
  if (given == nullptr || slopes == nullptr || !multiplies_by_slopes(*slopes, index)) return false;
  const auto* input = index.producer(slopes->input(0));
  if (input == nullptr || !is_dequantizer(*input) || input->input(0) != maximum.input(0)) return false;
  return has_factors(*slopes, scales, index) && has_parameters(*given, encoding, index) && has_parameters(*scaled, encoding, index) &&
         has_parameters(*input, encoding, index) && std::ranges::all_of(index.uses(maximum.output(0)), [&](const Use& use) {
           return !is_dequantizer(index.node(use.node)) || has_parameters(index.node(use.node), encoding, index);
         });
}

// x times the gate that is made of it; see integer_activation.h.
bool is_integer_hard_swish(const onnx::NodeProto& gate, const Encoding& read, const Encoding& made, const GraphIndex& index) {
  const auto* input = index.producer(gate.input(0));
  if (input == nullptr || !is_dequantizer(*input) || !has_parameters(*input, read, index) || gate.input_size() != 3) return false;
  const auto* summand = index.producer(gate.input(2));
  const auto* stored = summand != nullptr && is_dequantizer(*summand) ? index.initializer(summand->input(0)) : nullptr;
  const auto expected = std::lrint(gate_summand / (read.scale[0] * gate_scale));
  if (stored == nullptr || std::ranges::any_of(int_values(*stored), [&](auto value) { return value != expected; })) return false;
  const auto& quantizer = index.node(index.uses(gate.output(0))[0].node);
  const auto& dequantizer = index.node(index.uses(quantizer.output(0))[0].node);
  const auto product = index.only_use(index.node(index.uses(dequantizer.output(0))[0].node).output(0));
  return has_factors(gate, {gate_scale}, index) && has_parameters(quantizer, gate_encoding(), index) &&
         has_parameters(dequantizer, gate_encoding(), index) && product && is_quantizer(index.node(product->node)) &&
         has_parameters(index.node(product->node), made, index);
}

}  // namespace

Issues check_integer_activations(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                                 const Encodings& encodings) {
  Issues issues;
  const GraphIndex before(prepared.graph()), after(written.graph());
  std::vector<const onnx::NodeProto*> maxima, gates;
  for (const auto& node : written.graph().node()) {
    if (is_integer_max(node, after)) maxima.push_back(&node);
    if (makes_gate(node, after)) gates.push_back(&node);
  }
  std::size_t prelus = 0, hard_swishes = 0;
  for (const int number : placement.integer_activations) {
    const auto& node = before.node(number);
    const auto &read = encodings.activations.at(node.input(0)), &made = encodings.activations.at(node.output(0));
    if (!is_byte(read.type) || !is_byte(made.type)) continue;
    const bool is_prelu = shares_encoding(node);
    if (is_prelu ? prelus == maxima.size() : hard_swishes == gates.size())
      return {"the file has fewer activation functions on integers than planned"};
    const bool as_planned =
        is_prelu ? is_integer_prelu(*maxima[prelus++], slope_scales(slopes_of(node, *before.producer(node.input(0)), before)), made, after)
                 : is_integer_hard_swish(*gates[hard_swishes++], read, made, after);
    if (!as_planned) issues.push_back(describe(node) + " is not computed as planned");
  }
  if (prelus != maxima.size() || hard_swishes != gates.size())
    issues.emplace_back("the file has more activation functions on integers than planned");
  return issues;
}

}  // namespace quantize
