#include "encode/absorbed_clamp.h"

namespace quantize {

bool is_absorbed(const onnx::NodeProto& clamp, const GraphIndex& index, const Placement& placement, const Encodings& encodings) {
  const auto bounds = clamp_bounds(clamp, index);
  if (!bounds || clamp.input_size() == 0 || encodings.activations.contains(clamp.input(0))) return false;
  const auto found = encodings.activations.find(clamp.output(0));
  if (found == encodings.activations.end() || index.uses(clamp.input(0)).size() != 1 || index.producer(clamp.input(0)) == nullptr)
    return false;
  if (index.is_graph_output(clamp.input(0))) return false;  // it would lose its name
  const auto& encoding = found->second;
  if (placement.keep_wide_clamps && is_wide(encoding.type)) return false;
  const double tolerance = 1e-6 * (encoding.high() - encoding.low());
  return bounds->first <= encoding.low() + tolerance && bounds->second >= encoding.high() - tolerance;
}

std::string rounded_result(const std::string& output, const GraphIndex& index, const Placement& placement, const Encodings& encodings) {
  if (encodings.activations.contains(output)) return output;
  const int reader = index.only_reader(output);
  return reader >= 0 && is_absorbed(index.node(reader), index, placement, encodings) ? index.node(reader).output(0) : std::string();
}

}  // namespace quantize
