#include "encode/pair_overflow.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "encode/absorbed_clamp.h"
#include "model/graph.h"

namespace quantize {
namespace {

constexpr std::int32_t seven_bits = 63;
constexpr int largest_byte = 255;

// The weight as the kernels see it: per output channel `length` integers, input channels innermost, so that pairs are neighbours.
struct Rows {
  std::size_t count = 0, length = 0, channels = 0, taps = 1;
  bool transposed = false;    // stored length x count
  bool inputs_first = false;  // stored channels x count x taps

  Rows(const onnx::NodeProto& node, const WeightedOp& op, const Shape& shape) {
    if (node.op_type() == "Conv") {
      count = static_cast<std::size_t>(shape[0]);
      channels = static_cast<std::size_t>(shape[1]);
      for (std::size_t i = 2; i < shape.size(); ++i) taps *= static_cast<std::size_t>(shape[i]);
    } else if (node.op_type() == "ConvTranspose") {
      count = static_cast<std::size_t>(shape[1]);
      channels = static_cast<std::size_t>(shape[0]);
      for (std::size_t i = 2; i < shape.size(); ++i) taps *= static_cast<std::size_t>(shape[i]);
      inputs_first = true;
    } else {
      transposed = op.channel_axis != 0;
      count = static_cast<std::size_t>(shape[shape.size() - (transposed ? 1 : 2)]);
      channels = static_cast<std::size_t>(element_count(shape)) / count;
    }
    length = channels * taps;
  }

  // One row in that order.
  void copy(std::size_t row, std::span<const std::int32_t> integers, std::vector<std::int32_t>& ordered) const {
    ordered.resize(length);
    const std::size_t first = inputs_first || transposed ? row * taps : row * length;
    const std::size_t step = inputs_first || transposed ? count * taps : taps;  // from channel to channel
    auto out = ordered.begin();
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t channel = 0; channel < channels; ++channel) *out++ = integers[first + channel * step + tap];
    }
  }
};

// Per channel of the operator's input, the largest value its bytes take as the kernel reads them (signed ones are moved up by 128).
std::vector<int> largest_inputs(const std::string& tensor, std::size_t channels, const Encoding& encoding, const Statistics& statistics) {
  std::vector<int> largest(channels, largest_byte);
  const auto found = statistics.find(tensor);
  if (found == statistics.end() || found->second.channels.size() != channels) return largest;
  const int zero = encoding.zero_point[0] - integer_range(encoding.type).low;
  for (std::size_t c = 0; c < channels; ++c) {
    const double steps = std::nearbyint(static_cast<double>(found->second.channels[c].max) / encoding.scale[0]);
    largest[c] = static_cast<int>(std::clamp<double>(steps + zero, zero, largest_byte));  // not below the zero that padding brings
  }
  return largest;
}

// Pairs are counted off along `run` products, from number `first` on. Those of opposite sign cannot exceed what one of them is.
std::int32_t largest_pair(std::span<const std::int32_t> weights, std::span<const int> inputs, std::size_t run, std::size_t first = 0) {
  std::int32_t largest = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += run) {
    for (std::size_t k = begin + first; k + 1 < begin + run; k += 2) {
      if ((weights[k] < 0) != (weights[k + 1] < 0)) continue;
      largest = std::max(largest, std::abs(weights[k] * inputs[k] + weights[k + 1] * inputs[k + 1]));
    }
  }
  return largest;
}

class Narrower {
 public:
  Narrower(const Model& model, const Placement& placement, const Statistics& statistics, Encodings& encodings, const PairRule& rule)
      : index_(model.graph()), placement_(placement), statistics_(statistics), encodings_(encodings), rule_(rule) {
    for (const auto& weighted : placement.weighted)
      mark(index_.node(weighted.node), weighted.op, placement.integer_products.contains(weighted.node));
  }

  std::vector<NarrowedWeight> run() {
    std::vector<NarrowedWeight> narrowed;
    for (auto& [weight, slices] : overflowing_) {
      auto& encoding = encodings_.weights.at(weight);
      if (encoding.largest.empty()) encoding.largest.assign(encoding.scale.size(), integer_range(encoding.type, true).high);
      for (std::size_t i = 0; i < slices.size(); ++i) {
        if (!slices[i]) continue;
        encoding.scale[i] *= static_cast<float>(encoding.largest[i]) / seven_bits;
        encoding.largest[i] = seven_bits;
      }
      narrowed.push_back({weight, static_cast<int>(std::count(slices.begin(), slices.end(), true)), static_cast<int>(slices.size())});
    }
    return narrowed;
  }

 private:
  // Whether an integer kernel that adds pairs runs this operator.
  [[nodiscard]] bool adds_pairs(const onnx::NodeProto& node, const WeightedOp& op, const Rows& rows, bool is_product) const {
    const auto input = encodings_.activations.find(op.input);
    if (input == encodings_.activations.end() || !is_byte(input->second.type)) return false;
    if (encodings_.weights.at(op.weight).type != onnx::TensorProto::INT8) return false;
    if (node.op_type() != "Conv" && node.op_type() != "ConvTranspose") return true;
    const bool depthwise = op.groups > 1 && rows.channels == 1 && rows.count == static_cast<std::size_t>(op.groups);
    return !depthwise && (rule_.onednn || is_product || !rounded_result(op.output, index_, placement_, encodings_).empty());
  }

  void mark(const onnx::NodeProto& node, const WeightedOp& op, bool is_product) {
    if (node.op_type() == "ConvTranspose" && (!rule_.onednn || op.groups > 1)) return;
    const auto& tensor = *index_.initializer(op.weight);
    const Shape shape = shape_of(tensor);
    const Rows rows(node, op, shape);
    if (!adds_pairs(node, op, rows, is_product)) return;
    const auto& encoding = encodings_.weights.at(op.weight);
    const auto& limits = encoding.largest;  // none: 8 bits everywhere
    const auto is_narrow = [](std::int32_t limit) { return limit <= seven_bits; };
    if (!limits.empty() && std::ranges::all_of(limits, is_narrow)) return;
    const auto integers = quantize_values(float_values(tensor), shape, encoding);
    // Channels of a MatMul's input are its last axis, which the statistics do not know.
    const auto all = largest_inputs(node.op_type() == "MatMul" ? "" : op.input, rows.channels * static_cast<std::size_t>(op.groups),
                                    encodings_.activations.at(op.input), statistics_);
    const std::size_t rows_per_group = rows.count / static_cast<std::size_t>(op.groups);
    std::vector<std::int32_t> weights;
    std::vector<int> inputs(rows.length);
    for (std::size_t row = 0; row < rows.count; ++row) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(row / rows_per_group * rows.channels);
      if (row % rows_per_group == 0) {
        for (std::size_t k = 0; k < rows.length; k += rows.channels)
          std::copy_n(first, rows.channels, inputs.begin() + static_cast<std::ptrdiff_t>(k));
      }
      const std::size_t slice = encoding.scale.size() == 1 ? 0 : row;
      if (!limits.empty() && is_narrow(limits[slice])) continue;
      rows.copy(row, integers, weights);
      std::int32_t largest = largest_pair(weights, inputs, rows.length);
      const bool either = rule_.merged_groups && op.groups > 1;
      if (rule_.onednn || either) largest = std::max(largest, largest_pair(weights, inputs, rows.channels));
      if (either) largest = std::max(largest, largest_pair(weights, inputs, rows.channels, 1));
      if (largest <= rule_.limit) continue;
      auto& slices = overflowing_[op.weight];
      slices.resize(encoding.scale.size());
      slices[slice] = true;
    }
  }

  GraphIndex index_;
  const Placement& placement_;
  const Statistics& statistics_;
  Encodings& encodings_;
  PairRule rule_;
  std::map<std::string, std::vector<bool>> overflowing_;
};

}  // namespace

PairRule pair_rule(const Target& target, double limit) { return {limit, target.onednn_kernels, target.merge_groups}; }

std::vector<NarrowedWeight> avoid_pair_overflow(const Model& model, const Placement& placement, const Statistics& statistics,
                                                Encodings& encodings, const PairRule& rule) {
  return Narrower(model, placement, statistics, encodings, rule).run();
}

}  // namespace quantize
