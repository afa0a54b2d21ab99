#include "rewrite/merge_groups.h"

#include <algorithm>
#include <cstdlib>

#include "encode/encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "ops/op_table.h"

namespace quantize {
namespace {

constexpr double gather_ns = 2.5, products_per_ns = 400;  // the first for each group and tap of a position
constexpr double worth_it = 0.8;                          // of the time as it is, at most
constexpr std::int64_t growth = 8;                        // a model's weights grow by one part in so many, at most

std::int64_t padded(std::int64_t count, std::int64_t to) { return (count + to - 1) / to * to; }

// A convolution with its weight [M, C/G, taps].
struct Grouped {
  std::int64_t outputs, channels, taps, groups;

  [[nodiscard]] std::int64_t values() const { return outputs * channels * taps; }
  // Of one output position, with `merged` groups as one.
  [[nodiscard]] double nanoseconds(std::int64_t merged) const {
    const std::int64_t count = groups / merged;
    const std::int64_t products = padded(outputs / count, 16) * padded(channels * merged * taps, 4);
    return gather_ns * static_cast<double>(count * taps) + static_cast<double>(count * products) / products_per_ns;
  }
  [[nodiscard]] std::int64_t best() const {
    std::int64_t chosen = 1;
    for (std::int64_t merged = 2; merged <= groups; ++merged) {
      if (groups % merged == 0 && nanoseconds(merged) < nanoseconds(chosen)) chosen = merged;
    }
    return nanoseconds(chosen) <= worth_it * nanoseconds(1) ? chosen : 1;
  }
};

// Visits (value of one group's own, its place among merged ones).
template <typename Visit>
void each_own(const Grouped& grouped, std::int64_t merged, const Visit& visit) {
  const std::int64_t length = grouped.channels * grouped.taps;  // of a row
  for (std::int64_t row = 0; row < grouped.outputs; ++row) {
    const std::int64_t place = row / (grouped.outputs / grouped.groups) % merged;
    for (std::int64_t k = 0; k < length; ++k) visit(row * length + k, (row * merged + place) * length + k);
  }
}

Grouped grouped_of(std::span<const std::int64_t> shape, std::int64_t groups) {
  return {shape[0], shape[1], element_count(shape.subspan(2)), groups};
}

bool is_quantized_result(const std::string& tensor, const GraphIndex& index) {
  const auto goes_to_integers = [&](const std::string& name) {
    const auto& uses = index.uses(name);
    return uses.size() == 1 && uses[0].node >= 0 && index.node(uses[0].node).op_type() == "QuantizeLinear";
  };
  return goes_to_integers(tensor) || goes_to_integers(behind_clamp(tensor, index));
}

// A DequantizeLinear of 8 bits.
bool dequantizes_bytes(const onnx::NodeProto& node, const GraphIndex& index) {
  const auto* zero = node.op_type() == "DequantizeLinear" && node.input_size() > 2 ? index.initializer(node.input(2)) : nullptr;
  return zero != nullptr && is_byte(static_cast<ElementType>(zero->data_type()));
}

// The stored 8-bit weight of an integer convolution with groups, which nothing else reads; nullptr for others.
const onnx::TensorProto* own_weight(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Conv" || int_attribute(node, "group", 1) < 2 || !is_quantized_result(node.output(0), index)) return nullptr;
  const auto *input = index.producer(node.input(0)), *weight = index.producer(node.input(1));
  if (input == nullptr || !dequantizes_bytes(*input, index)) return nullptr;
  if (weight == nullptr || weight->op_type() != "DequantizeLinear" || weight->input_size() > 2) return nullptr;
  const auto* stored = index.initializer(weight->input(0));
  if (stored == nullptr || stored->data_type() != onnx::TensorProto::INT8 || stored->dims_size() < 3) return nullptr;
  return index.uses(weight->input(0)).size() == 1 && index.uses(weight->output(0)).size() == 1 ? stored : nullptr;
}

onnx::TensorProto merged_weight(const onnx::TensorProto& stored, const Grouped& grouped, std::int64_t merged) {
  const auto own = int_values(stored);
  std::vector<std::int32_t> values(static_cast<std::size_t>(grouped.values() * merged));
  each_own(grouped, merged, [&](std::int64_t from, std::int64_t to) {
    values[static_cast<std::size_t>(to)] = static_cast<std::int32_t>(own[static_cast<std::size_t>(from)]);
  });
  Shape shape = shape_of(stored);
  shape[1] *= merged;
  return make_tensor(stored.name(), shape, onnx::TensorProto::INT8, values);
}

}  // namespace

int merge_groups(Model& model) {
  struct Change {
    int node;
    std::int64_t merged;
    onnx::TensorProto weight;
  };
  const GraphIndex index(model.graph());
  std::int64_t room = 0;
  for (const auto& tensor : model.graph().initializer()) room += element_count(shape_of(tensor)) / growth;
  std::vector<Change> changes;
  for (int i = 0; i < model.graph().node_size(); ++i) {
    const auto* stored = own_weight(index.node(i), index);
    if (stored == nullptr) continue;
    const Grouped grouped = grouped_of(shape_of(*stored), int_attribute(index.node(i), "group", 1));
    const bool is_depthwise = grouped.channels == 1 && grouped.outputs == grouped.groups;  // it has a kernel of its own
    const std::int64_t merged = is_depthwise ? 1 : grouped.best(), more = grouped.values() * (merged - 1);
    if (merged == 1 || more > room) continue;
    room -= more;
    changes.push_back({i, merged, merged_weight(*stored, grouped, merged)});
  }
  for (auto& [number, merged, weight] : changes) {
    auto& node = *model.graph().mutable_node(number);
    set_attribute(node, "group", int_attribute(node, "group", 1) / merged);
    put_initializer(model.graph(), std::move(weight));
  }
  return static_cast<int>(changes.size());
}

std::optional<std::vector<std::int64_t>> split_groups(const std::vector<std::int64_t>& values, std::span<const std::int64_t> merged,
                                                      std::span<const std::int64_t> planned, std::int64_t groups) {
  const bool alike = merged.size() == planned.size() && planned.size() > 2 && merged[0] == planned[0] && planned[1] > 0 && merged[1] > 0 &&
                     merged[1] % planned[1] == 0 && std::ranges::equal(merged.subspan(2), planned.subspan(2));
  if (!alike || groups % (merged[1] / planned[1]) != 0) return std::nullopt;
  const Grouped grouped = grouped_of(planned, groups);
  std::vector<std::int64_t> own(static_cast<std::size_t>(grouped.values()));
  std::int64_t between = 0;
  for (const auto value : values) between += std::abs(value);
  each_own(grouped, merged[1] / planned[1], [&](std::int64_t to, std::int64_t from) {
    own[static_cast<std::size_t>(to)] = values[static_cast<std::size_t>(from)];
    between -= std::abs(values[static_cast<std::size_t>(from)]);
  });
  if (between != 0) return std::nullopt;
  return own;
}

}  // namespace quantize
