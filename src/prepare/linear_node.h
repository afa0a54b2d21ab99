// Conv, ConvTranspose and Gemm with constant weights, seen alike: a weight tensor each of whose elements joins one input channel to one
// output channel, and a bias per output channel.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <vector>

#include "model/graph.h"
#include "model/tensor.h"

namespace quantize {

struct LinearNode {
  enum class Kind { conv, conv_transpose, gemm } kind = Kind::conv;
  const onnx::NodeProto* node = nullptr;
  const onnx::TensorProto* weight = nullptr;
  const onnx::TensorProto* bias = nullptr;  // null where it has none
  std::int64_t inputs = 0, outputs = 0;     // channels
  std::int64_t groups = 1;
  bool transposed = false;     // a Gemm whose weight is [outputs, inputs]
  double alpha = 1, beta = 1;  // of a Gemm

  // One per output channel, factor included; zeros where there is none.
  [[nodiscard]] std::vector<double> bias_values() const;
  // Its first input has the channels in axis 1, so that a map per channel of the input is a map per column of the weight.
  [[nodiscard]] bool reads_channels() const;
  // No output element sees padding, so that a constant added to a whole input channel is a constant added to the output.
  [[nodiscard]] bool reads_no_padding() const;

  // visit(begin, end, output channel, input channel) for each run of weight elements that joins one pair of channels.
  template <typename Visit>
  void for_each_block(Visit visit) const {
    const auto rows = static_cast<std::size_t>(weight->dims(0)), columns = static_cast<std::size_t>(weight->dims(1));
    const auto block = rows * columns == 0 ? 0 : static_cast<std::size_t>(element_count(shape_of(*weight))) / (rows * columns);
    const auto group_rows = rows / static_cast<std::size_t>(groups);
    for (std::size_t row = 0, begin = 0; row < rows; ++row) {
      const std::size_t offset = row / group_rows * columns;  // the other channel's number where this row's group starts
      for (std::size_t column = 0; column < columns; ++column, begin += block) {
        const bool row_is_output = kind == Kind::conv || (kind == Kind::gemm && transposed);
        const std::size_t other = offset + column;
        visit(begin, begin + block, row_is_output ? row : other, row_is_output ? other : row);
      }
    }
  }
};

std::optional<LinearNode> linear_node(const onnx::NodeProto& node, const GraphIndex& index);

}  // namespace quantize
