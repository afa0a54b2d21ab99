#include <algorithm>

#include "encode/integer_prelu.h"
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

// A depthwise convolution by 127 at these scales.
bool has_slopes(const onnx::NodeProto& convolution, const std::vector<float>& scales, const GraphIndex& index) {
  const auto* weight = index.producer(convolution.input(1));
  if (weight == nullptr || !is_dequantizer(*weight) || weight->input_size() != 2) return false;
  const auto *integers = index.initializer(weight->input(0)), *stored = index.initializer(weight->input(1));
  if (integers == nullptr || stored == nullptr || int_attribute(*weight, "axis", 1) != 0) return false;
  return float_values(*stored) == scales && int_attribute(convolution, "group", 1) == std::ssize(scales) &&
         std::ranges::all_of(int_values(*integers), [](std::int64_t factor) { return factor == slope_weight; });
}

// Max of q and of its values times slopes, all with one encoding; see integer_prelu.h.
bool is_integer_prelu(const onnx::NodeProto& maximum, const std::vector<float>& scales, const Encoding& encoding, const GraphIndex& index) {
  const auto *given = index.producer(maximum.input(0)), *scaled = index.producer(maximum.input(1));
  const auto* slopes = scaled != nullptr ? index.producer(scaled->input(0)) : nullptr;
  if (given == nullptr || slopes == nullptr || !multiplies_by_slopes(*slopes, index)) return false;
  const auto* input = index.producer(slopes->input(0));
  if (input == nullptr || !is_dequantizer(*input) || input->input(0) != maximum.input(0)) return false;
  return has_slopes(*slopes, scales, index) && has_parameters(*given, encoding, index) && has_parameters(*scaled, encoding, index) &&
         has_parameters(*input, encoding, index) && std::ranges::all_of(index.uses(maximum.output(0)), [&](const Use& use) {
           return !is_dequantizer(index.node(use.node)) || has_parameters(index.node(use.node), encoding, index);
         });
}

}  // namespace

Issues check_integer_prelus(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                            const Encodings& encodings) {
  Issues issues;
  const GraphIndex before(prepared.graph()), after(written.graph());
  std::vector<const onnx::NodeProto*> maxima;
  for (const auto& node : written.graph().node()) {
    if (is_integer_max(node, after)) maxima.push_back(&node);
  }
  std::size_t next = 0;
  for (const int number : placement.integer_prelus) {
    const auto& prelu = before.node(number);
    const auto& encoding = encodings.activations.at(prelu.output(0));
    if (!is_byte(encoding.type)) continue;
    if (next == maxima.size()) return {"the file has fewer integer PRelus than planned"};
    const auto scales = slope_scales(slopes_of(prelu, *before.producer(prelu.input(0)), before));
    if (!is_integer_prelu(*maxima[next++], scales, encoding, after)) issues.push_back(describe(prelu) + " is not computed as planned");
  }
  if (next != maxima.size()) issues.emplace_back("the file has more integer PRelus than planned");
  return issues;
}

}  // namespace quantize
