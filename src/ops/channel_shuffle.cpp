#include "ops/channel_shuffle.h"

#include <algorithm>

#include "model/attribute.h"

namespace quantize {
namespace {

// Of the parts that a Concat puts together to a shape, which have one axis.
bool is_one_value(const std::string& part, const GraphIndex& index) {
  const auto* node = index.producer(part);
  if (node == nullptr || !standard_domain(*node)) return false;
  if (node->op_type() == "Unsqueeze") return true;  // of what has no axis
  const auto* picked = node->op_type() == "Gather" ? index.constant(node->input(1)) : nullptr;
  return picked != nullptr && picked->dims_size() == 1 && picked->dims(0) == 1;
}

// Of a Reshape; a dimension that is computed is -1, too. Empty where it is no Reshape, or not even the rank is known.
Shape target_of(const onnx::NodeProto& node, const GraphIndex& index) {
  if (node.op_type() != "Reshape" || !standard_domain(node) || node.input_size() < 2) return {};
  Shape target;
  if (const auto* shape = index.constant(node.input(1))) {
    target = int_values(*shape);
  } else if (const auto* concat = index.producer(node.input(1));
             concat != nullptr && concat->op_type() == "Concat" && standard_domain(*concat)) {
    for (const auto& part : concat->input()) {
      const auto* known = index.constant(part);
      if (known == nullptr && !is_one_value(part, index)) return {};
      const Shape dimensions = known != nullptr ? int_values(*known) : Shape{-1};
      target.insert(target.end(), dimensions.begin(), dimensions.end());
    }
  }
  const bool has_zero = std::ranges::find(target, 0) != target.end();
  return has_zero && int_attribute(node, "allowzero", 0) != 0 ? Shape{} : target;
}

// With a number of its own, below -1, for each dimension that is not known, so that they can be told apart.
Shape with_unknowns(Shape shape) {
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 1) shape[i] = -2 - static_cast<std::int64_t>(i);
  }
  return shape;
}

// Whether a Reshape of `from` to `target` makes `wanted`. One dimension may be in doubt: all values are still there, which decides it.
bool makes(const Shape& from, const Shape& target, const Shape& wanted) {
  if (target.size() != wanted.size()) return false;
  int doubts = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const auto made = target[i] == 0 && i < from.size() ? from[i] : target[i];
    doubts += static_cast<int>(made != wanted[i]);
  }
  return doubts <= 1;
}

bool swaps_groups(const std::vector<std::int64_t>& order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t wanted = i == 1 ? 2 : i == 2 ? 1 : i;
    if (order[i] != static_cast<std::int64_t>(wanted)) return false;
  }
  return true;
}

}  // namespace

bool ChannelShuffle::keeps_shape(const Shape& x) const {
  if (x.size() < 2 || x[1] != channels()) return false;
  const Shape known = with_unknowns(x);
  Shape wanted = known;
  wanted[1] = part;
  wanted.insert(wanted.begin() + 1, groups);
  return makes(known, split, wanted);
}

std::optional<ChannelShuffle> channel_shuffle(int reshape, const GraphIndex& index) {
  const auto split = target_of(index.node(reshape), index);
  if (split.size() < 4 || split[1] < 1 || split[2] < 1) return {};
  const int transpose = index.only_reader(index.node(reshape).output(0));
  if (transpose < 0 || index.node(transpose).op_type() != "Transpose") return {};
  const int last = index.only_reader(index.node(transpose).output(0));
  if (last < 0) return {};
  const auto order = ints_attribute(index.node(transpose), "perm");
  if (order.size() != split.size() || !swaps_groups(order)) return {};
  Shape turned = with_unknowns(split), joined = turned;
  std::swap(turned[1], turned[2]);
  joined.erase(joined.begin() + 1);
  joined[1] = split[1] * split[2];
  if (!makes(turned, target_of(index.node(last), index), joined)) return {};
  return ChannelShuffle{index.node(reshape).input(0), index.node(last).output(0), {reshape, transpose, last},
                        static_cast<int>(split[1]),   static_cast<int>(split[2]), split};
}

}  // namespace quantize
