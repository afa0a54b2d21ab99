// A weighted operator as a matrix product: at each output position, output = weight matrix x a column gathered from the input (im2col).
// Conv in 1 to 3 dimensions with groups, strides, dilations, pads; ConvTranspose; Gemm; MatMul.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>
#include <vector>

#include "encode/placement.h"
#include "model/tensor.h"
#include "ops/op_table.h"
#include "optimize/linalg.h"
#include "prepare/value_types.h"

namespace quantize {

class ColumnView {
 public:
  ColumnView(const onnx::NodeProto& node, const WeightedOp& op, const Shape& weight_shape);

  [[nodiscard]] std::size_t groups() const { return groups_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }                // output channels per group
  [[nodiscard]] std::size_t taps() const { return taps_; }                // of the kernel: values per input channel
  [[nodiscard]] std::size_t length() const { return channels_ * taps_; }  // of a column, per group
  // Output positions of one input tensor, batch included.
  [[nodiscard]] std::size_t positions(const Shape& input) const;
  // The same of the tensor `input`; as many as one can think of where the model does not say its shape.
  [[nodiscard]] std::size_t positions(const ValueTypes& types, const std::string& input) const;
  // Writes the columns at `positions`: one row of groups() x length() values each.
  void gather(const Tensor& input, std::span<const std::size_t> positions, float* out) const;

  // The weight tensor's values of one group as rows() x length(), and back.
  [[nodiscard]] Matrix weights(std::span<const float> tensor, std::size_t group) const;
  void store(const Matrix& weights, std::size_t group, std::span<float> tensor) const;

 private:
  struct Axis {
    std::int64_t kernel = 1, stride = 1, dilation = 1, pad = 0, pad_end = 0, extra = 0;  // extra: output_padding
  };
  enum class Kind { conv, transposed, matrix };
  [[nodiscard]] std::vector<Axis> padded_axes(const Shape& input) const;
  [[nodiscard]] Shape output_shape(const Shape& input) const;
  // Index of the input pixel that tap `tap` sees at output coordinate `at`, or -1 outside.
  [[nodiscard]] std::int64_t source(const Axis& axis, std::int64_t at, std::int64_t tap, std::int64_t size) const;
  [[nodiscard]] std::size_t weight_index(std::size_t group, std::size_t row, std::size_t channel, std::size_t tap) const;
  // visit(row, k, where the tensor holds it) for every value of a group's matrix.
  template <typename Visit>
  void each_weight(std::size_t group, const Visit& visit) const;

  Kind kind_ = Kind::matrix;
  bool transposed_matrix_ = false;  // weight stored rows x length (Gemm with transB) rather than length x rows
  std::string auto_pad_;
  std::vector<std::int64_t> wanted_output_;  // ConvTranspose's output_shape
  std::vector<Axis> axes_;
  std::size_t groups_ = 1, rows_ = 1, channels_ = 1, taps_ = 1;
};

}  // namespace quantize
