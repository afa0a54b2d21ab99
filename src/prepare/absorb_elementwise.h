// An element-wise operator with a constant per channel behind a Conv, ConvTranspose or Gemm that nobody else reads, absorbed into that
// operator.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "model/model.h"
#include "prepare/channel_affine.h"

namespace quantize {

// What `node` does to its other input, given its constant one value per channel; `constant_is_second` says on which side that stands.
// Nothing: not this node.
using ElementwiseMeaning =
    std::function<std::optional<ChannelAffine>(const onnx::NodeProto& node, const std::vector<double>& constant, bool constant_is_second)>;

// Returns how many nodes were absorbed.
std::size_t absorb_elementwise(Model& model, const ElementwiseMeaning& meaning);

}  // namespace quantize
