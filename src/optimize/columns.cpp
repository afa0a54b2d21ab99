#include "optimize/columns.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "model/attribute.h"
#include "model/graph.h"

namespace quantize {

ColumnView::ColumnView(const onnx::NodeProto& node, const WeightedOp& op, const Shape& weight_shape) {
  groups_ = static_cast<std::size_t>(op.groups);
  if (node.op_type() != "Conv" && node.op_type() != "ConvTranspose") {
    transposed_matrix_ = op.channel_axis == 0;
    if (weight_shape.size() != 2) throw Error(ErrorKind::internal, "column view of a MatMul whose weight is no matrix");
    rows_ = static_cast<std::size_t>(weight_shape[transposed_matrix_ ? 0 : 1]);
    channels_ = static_cast<std::size_t>(weight_shape[transposed_matrix_ ? 1 : 0]);
    return;
  }
  kind_ = node.op_type() == "Conv" ? Kind::conv : Kind::transposed;
  const std::size_t rank = weight_shape.size() - 2;
  const auto strides = ints_attribute(node, "strides", std::vector<std::int64_t>(rank, 1));
  const auto dilations = ints_attribute(node, "dilations", std::vector<std::int64_t>(rank, 1));
  const auto pads = ints_attribute(node, "pads", std::vector<std::int64_t>(2 * rank, 0));
  const auto extra = ints_attribute(node, "output_padding", std::vector<std::int64_t>(rank, 0));
  auto_pad_ = string_attribute(node, "auto_pad", "NOTSET");
  wanted_output_ = ints_attribute(node, "output_shape");
  for (std::size_t i = 0; i < rank; ++i) {
    axes_.push_back({weight_shape[i + 2], strides[i], dilations[i], pads[i], pads[rank + i], extra[i]});
    taps_ *= static_cast<std::size_t>(weight_shape[i + 2]);
  }
  if (kind_ == Kind::conv) {
    rows_ = static_cast<std::size_t>(weight_shape[0]) / groups_;
    channels_ = static_cast<std::size_t>(weight_shape[1]);
  } else {
    rows_ = static_cast<std::size_t>(weight_shape[1]);
    channels_ = static_cast<std::size_t>(weight_shape[0]) / groups_;
  }
}

// Pads as the operators' specifications derive them from auto_pad and, for ConvTranspose, from output_shape.
std::vector<ColumnView::Axis> ColumnView::padded_axes(const Shape& input) const {
  std::vector<Axis> axes = axes_;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Axis& axis = axes[i];
    const std::int64_t size = input[i + 2], reach = (axis.kernel - 1) * axis.dilation + 1;
    const bool same = auto_pad_ == "SAME_UPPER" || auto_pad_ == "SAME_LOWER";
    if (auto_pad_ == "VALID") axis.pad = axis.pad_end = 0;
    std::int64_t total = -1;
    if (kind_ == Kind::conv && same) {
      total = std::max<std::int64_t>(0, ((size + axis.stride - 1) / axis.stride - 1) * axis.stride + reach - size);
    } else if (kind_ == Kind::transposed && (same || !wanted_output_.empty())) {
      const std::int64_t wanted = wanted_output_.empty() ? size * axis.stride : wanted_output_[wanted_output_.size() - axes.size() + i];
      total = std::max<std::int64_t>(0, axis.stride * (size - 1) + axis.extra + reach - wanted);
    }
    if (total < 0) continue;
    // An odd pixel of padding goes to the end for SAME_UPPER, else to the beginning.
    const bool odd_at_end = auto_pad_ == "SAME_UPPER";
    axis.pad = odd_at_end ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad;
  }
  return axes;
}

Shape ColumnView::output_shape(const Shape& input) const {
  const auto axes = padded_axes(input);
  Shape shape;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Axis& axis = axes[i];
    const std::int64_t size = input[i + 2], reach = (axis.kernel - 1) * axis.dilation + 1;
    shape.push_back(kind_ == Kind::conv ? (size + axis.pad + axis.pad_end - reach) / axis.stride + 1
                                        : axis.stride * (size - 1) + axis.extra + reach - axis.pad - axis.pad_end);
  }
  return shape;
}

std::size_t ColumnView::positions(const Shape& input) const {
  if (kind_ == Kind::matrix) return static_cast<std::size_t>(element_count(input)) / channels_;
  return static_cast<std::size_t>(input[0] * element_count(output_shape(input)));
}

std::int64_t ColumnView::source(const Axis& axis, std::int64_t at, std::int64_t tap, std::int64_t size) const {
  std::int64_t place = 0;
  if (kind_ == Kind::conv) {
    place = at * axis.stride - axis.pad + tap * axis.dilation;
  } else {
    const std::int64_t reached = at + axis.pad - tap * axis.dilation;
    if (reached < 0 || reached % axis.stride != 0) return -1;
    place = reached / axis.stride;
  }
  return place >= 0 && place < size ? place : -1;
}

std::size_t ColumnView::positions(const ValueTypes& types, const std::string& input) const {
  const auto& type = types.of(input);
  return type.is_static() ? positions(*type.shape) : std::numeric_limits<std::uint32_t>::max();
}

void ColumnView::gather(const Tensor& input, std::span<const std::size_t> positions, float* out) const {
  const auto values = input.as<float>();
  if (kind_ == Kind::matrix) {
    for (const std::size_t position : positions) out = std::copy_n(values.data() + position * channels_, channels_, out);
    return;
  }
  const auto axes = padded_axes(input.shape);
  const Shape outputs = output_shape(input.shape);
  const auto per_item = static_cast<std::size_t>(element_count(outputs));
  const auto pixels = static_cast<std::size_t>(element_count(std::span(input.shape).subspan(2)));
  const std::size_t all_channels = groups_ * channels_;
  std::vector<std::int64_t> offsets(taps_);
  for (const std::size_t position : positions) {
    const std::size_t item = position / per_item;
    for (std::size_t tap = 0; tap < taps_; ++tap) {
      std::size_t rest_position = position % per_item, rest_tap = tap;
      std::int64_t offset = 0, pitch = 1;
      for (std::size_t i = axes.size(); i-- > 0 && offset >= 0;) {
        const auto at = static_cast<std::int64_t>(rest_position % static_cast<std::size_t>(outputs[i]));
        const auto k = static_cast<std::int64_t>(rest_tap % static_cast<std::size_t>(axes[i].kernel));
        rest_position /= static_cast<std::size_t>(outputs[i]);
        rest_tap /= static_cast<std::size_t>(axes[i].kernel);
        const std::int64_t place = source(axes[i], at, k, input.shape[i + 2]);
        offset = place < 0 ? -1 : offset + place * pitch;
        pitch *= input.shape[i + 2];
      }
      offsets[tap] = offset;
    }
    for (std::size_t channel = 0; channel < all_channels; ++channel) {
      const float* plane = values.data() + (item * all_channels + channel) * pixels;
      for (const std::int64_t offset : offsets) *out++ = offset < 0 ? 0.0F : plane[offset];
    }
  }
}

std::size_t ColumnView::weight_index(std::size_t group, std::size_t row, std::size_t channel, std::size_t tap) const {
  switch (kind_) {
    case Kind::conv:
      return (((group * rows_ + row) * channels_) + channel) * taps_ + tap;
    case Kind::transposed:
      return (((group * channels_ + channel) * rows_) + row) * taps_ + tap;
    case Kind::matrix:
      break;
  }
  return transposed_matrix_ ? row * channels_ + channel : channel * rows_ + row;
}

template <typename Visit>
void ColumnView::each_weight(std::size_t group, const Visit& visit) const {
  for (std::size_t row = 0; row < rows_; ++row) {
    std::size_t k = 0;
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      const std::size_t first = weight_index(group, row, channel, 0);
      for (std::size_t tap = 0; tap < taps_; ++tap) visit(row, k++, first + tap);
    }
  }
}

Matrix ColumnView::weights(std::span<const float> tensor, std::size_t group) const {
  Matrix matrix(rows_, length());
  each_weight(group, [&](std::size_t row, std::size_t k, std::size_t index) { matrix(row, k) = tensor[index]; });
  return matrix;
}

void ColumnView::store(const Matrix& weights, std::size_t group, std::span<float> tensor) const {
  each_weight(group, [&](std::size_t row, std::size_t k, std::size_t index) { tensor[index] = static_cast<float>(weights(row, k)); });
}

}  // namespace quantize
