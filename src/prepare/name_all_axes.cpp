// Pad and Resize may name the axes that they change, from opset 18 on. ONNX Runtime's optimizer, which moves the Transposes of its integer
// convolutions through both, takes what is given for those axes for what is given for all.
//
//   BEFORE  y = Pad (x, [1, 1, 1, 1], , [2, 3])                  AFTER  y = Pad (x, [0, 0, 1, 1, 0, 0, 1, 1])
//   BEFORE  y = Resize <axes = [2, 3]> (x, , [2, 2])             AFTER  y = Resize (x, , [1, 1, 2, 2])
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/tensor.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

using Axes = std::vector<std::size_t>;

std::string input_of(const onnx::NodeProto& node, int number) { return number < node.input_size() ? node.input(number) : std::string(); }

// Drops the input, and what is left out before it.
void drop_last_input(onnx::NodeProto& node, int number) {
  while (node.input_size() > number || node.input(node.input_size() - 1).empty()) node.mutable_input()->RemoveLast();
}

class AxesNamer {
 public:
  explicit AxesNamer(const Model& model) : index_(model.graph()), types_(model.proto), names_(model.graph()) {}

  bool rewrite_pad(onnx::NodeProto& node) {
    const auto *pads = index_.initializer(input_of(node, 1)), *named = index_.initializer(input_of(node, 3));
    if (pads == nullptr || named == nullptr) return false;
    const auto axes = from_the_front(int_values(*named), node.input(0));
    const auto some = int_values(*pads);
    if (!axes || some.size() != 2 * axes->size()) return false;
    std::vector<std::int64_t> all(2 * static_cast<std::size_t>(types_.rank(node.input(0))), 0);
    spread(some, *axes, all, 2);
    set_constant(node, 1, all);
    drop_last_input(node, 3);
    return true;
  }

  bool rewrite_resize(onnx::NodeProto& node) {
    const auto axes = from_the_front(ints_attribute(node, "axes"), node.input(0));
    auto roi = floats_of(node, 1), scales = floats_of(node, 2);
    if (!axes || axes->empty() || !roi || !scales || (!roi->empty() && roi->size() != 2 * axes->size())) return false;
    const auto& shape = *types_.of(node.input(0)).shape;
    if (!scales->empty() || !rewrite_sizes(node, *axes)) {
      if (scales->empty()) scales = scales_of_sizes(node, *axes);
      if (!scales || scales->size() != axes->size()) return false;
      std::vector<float> all(shape.size(), 1.0F);
      spread(*scales, *axes, all, 1);
      set_constant(node, 2, all);
      drop_last_input(node, 3);
      remove_attribute(node, "keep_aspect_ratio_policy");  // of sizes only
    }
    if (!roi->empty()) {
      std::vector<float> all(shape.size(), 0.0F);  // where it starts, then where it ends
      all.resize(2 * shape.size(), 1.0F);
      spread(*roi, *axes, all, 2);
      set_constant(node, 1, all);
    }
    remove_attribute(node, "axes");
    return true;
  }

  void add_constants(onnx::GraphProto& graph) {
    for (auto& tensor : constants_) put_initializer(graph, std::move(tensor));
  }

 private:
  [[nodiscard]] std::optional<Axes> from_the_front(const std::vector<std::int64_t>& axes, const std::string& tensor) const {
    const int rank = types_.rank(tensor);
    Axes result;
    for (const auto axis : axes) {
      if (axis < -rank || axis >= rank) return {};
      result.push_back(static_cast<std::size_t>(axis < 0 ? axis + rank : axis));
    }
    return rank >= 0 ? std::optional(result) : std::nullopt;
  }

  // `some` holds one value per axis, `parts` times over, and so does `all` for all axes.
  template <typename T>
  static void spread(const std::vector<T>& some, const Axes& axes, std::vector<T>& all, std::size_t parts) {
    for (std::size_t part = 0; part < parts; ++part) {
      for (std::size_t i = 0; i < axes.size(); ++i) all[part * (all.size() / parts) + axes[i]] = some[part * axes.size() + i];
    }
  }

  template <typename T>
  void set_constant(onnx::NodeProto& node, int input, const std::vector<T>& values) {
    const std::string name = names_.unique(node.output(0) + "_all_axes");
    constants_.push_back(make_tensor(name, {std::ssize(values)}, std::span<const T>(values)));
    node.set_input(input, name);
  }

  // Empty where the input is left out, nothing where it is computed.
  [[nodiscard]] std::optional<std::vector<float>> floats_of(const onnx::NodeProto& node, int input) const {
    const std::string name = input_of(node, input);
    if (name.empty()) return std::vector<float>();
    const auto* tensor = index_.initializer(name);
    return tensor != nullptr && tensor->data_type() == onnx::TensorProto::FLOAT ? std::optional(float_values(*tensor)) : std::nullopt;
  }

  [[nodiscard]] std::vector<std::int64_t> sizes_of(const onnx::NodeProto& node) const {
    const auto* tensor = index_.initializer(input_of(node, 3));
    return tensor != nullptr ? int_values(*tensor) : std::vector<std::int64_t>();
  }

  static bool stretches(const onnx::NodeProto& node) { return string_attribute(node, "keep_aspect_ratio_policy", "stretch") == "stretch"; }

  // Where the sizes of the other axes are known.
  bool rewrite_sizes(onnx::NodeProto& node, const Axes& axes) {
    const auto sizes = sizes_of(node);
    const auto& type = types_.of(node.input(0));
    if (sizes.size() != axes.size() || !stretches(node) || !type.is_static()) return false;
    auto all = *type.shape;
    spread(sizes, axes, all, 1);
    set_constant(node, 3, all);
    return true;
  }

  // A quotient that was rounded down gives a size of one less.
  static void raise_to(float& scale, std::int64_t from, std::int64_t to) {
    for (int i = 0; i < 2 && std::floor(static_cast<double>(scale) * static_cast<double>(from)) < static_cast<double>(to); ++i) {
      scale = std::nextafter(scale, std::numeric_limits<float>::infinity());
    }
  }

  // As ONNX Runtime computes them; nothing where they would not lead to the same sizes everywhere.
  [[nodiscard]] std::optional<std::vector<float>> scales_of_sizes(const onnx::NodeProto& node, const Axes& axes) const {
    const auto sizes = sizes_of(node);
    const auto& shape = *types_.of(node.input(0)).shape;
    if (sizes.size() != axes.size()) return {};
    std::vector<float> scales;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (shape[axes[i]] <= 0) return {};
      scales.push_back(static_cast<float>(sizes[i]) / static_cast<float>(shape[axes[i]]));
    }
    if (!stretches(node)) {
      const auto [least, most] = std::ranges::minmax(scales);
      std::ranges::fill(scales, string_attribute(node, "keep_aspect_ratio_policy", "") == "not_larger" ? least : most);
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (stretches(node)) raise_to(scales[i], shape[axes[i]], sizes[i]);
      const float size = scales[i] * static_cast<float>(shape[axes[i]]);
      const auto wanted = static_cast<double>(stretches(node) ? sizes[i] : std::llround(size));
      const double exact = static_cast<double>(scales[i]) * static_cast<double>(shape[axes[i]]);
      if (std::floor(size) != wanted || std::floor(exact) != wanted) return {};
    }
    return scales;
  }

  GraphIndex index_;
  ValueTypes types_;
  NameMaker names_;
  std::vector<onnx::TensorProto> constants_;
};

bool names_axes(const onnx::NodeProto& node) {
  if (!standard_domain(node)) return false;
  return node.op_type() == "Pad" ? !input_of(node, 3).empty() : node.op_type() == "Resize" && find_attribute(node, "axes") != nullptr;
}

}  // namespace

std::string name_all_axes(Model& model) {
  auto& nodes = *model.graph().mutable_node();
  if (std::ranges::none_of(nodes, names_axes)) return {};
  AxesNamer namer(model);
  std::size_t changed = 0;
  for (auto& node : nodes) {
    if (names_axes(node) && (node.op_type() == "Pad" ? namer.rewrite_pad(node) : namer.rewrite_resize(node))) ++changed;
  }
  namer.add_constants(model.graph());
  if (changed > 0) remove_unused(model.graph());
  return counted(changed, "node", "nodes");
}

}  // namespace quantize
