#include "encode/pool_scales.h"

#include <algorithm>

namespace quantize {

void widen_pool_scales(const GraphIndex& index, const Placement& placement, Encodings& encodings) {
  for (int number = 0; number < index.graph().node_size(); ++number) {
    const auto& node = index.node(number);
    if (node.op_type() != "GlobalAveragePool" || !placement.decisions[static_cast<std::size_t>(number)].quantized) continue;
    const auto input = encodings.activations.find(node.input(0)), output = encodings.activations.find(node.output(0));
    if (input == encodings.activations.end() || output == encodings.activations.end() || !is_byte(output->second.type)) continue;
    const double least = static_cast<double>(input->second.scale[0]) / 255;
    const Encoding& narrow = output->second;
    if (narrow.scale[0] >= least) continue;
    const Symmetry symmetry = narrow.type == onnx::TensorProto::UINT8 ? Symmetry::asymmetric : Symmetry::symmetric;
    Encoding wide = encode_range({narrow.low(), narrow.low() + 256 * least}, narrow.type, symmetry);
    wide.method = narrow.method;
    const auto group =
        std::ranges::find_if(placement.groups, [&](const auto& one) { return std::ranges::count(one.members, node.output(0)) > 0; });
    for (const auto& member : group->members) encodings.activations[member] = wide;
  }
}

}  // namespace quantize
