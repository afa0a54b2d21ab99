#include "rewrite/point_products.h"

#include <algorithm>
#include <map>

#include "encode/encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

constexpr std::int32_t middle = 128;            // of unsigned bytes
constexpr std::int64_t least_values = 1 << 15;  // of the input: dequantizing less takes no time
constexpr std::int64_t channels_last[] = {0, 2, 3, 1}, channels_second[] = {0, 3, 1, 2};

bool is_point(const onnx::NodeProto& node) {
  const auto all = [&](const char* attribute, std::int64_t value) {
    return std::ranges::all_of(ints_attribute(node, attribute), [&](std::int64_t v) { return v == value; });
  };
  return node.op_type() == "Conv" && standard_domain(node) && int_attribute(node, "group", 1) == 1 && all("strides", 1) && all("pads", 0) &&
         string_attribute(node, "auto_pad", "NOTSET") == "NOTSET";
}

// The constant that a DequantizeLinear of integers of `type` makes `tensor` from, without a zero point; null where it is none.
const onnx::TensorProto* stored_behind(const std::string& tensor, ElementType type, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  const auto* stored = node != nullptr && is_dequantizer(*node) && node->input_size() == 2 ? index.initializer(node->input(0)) : nullptr;
  return stored != nullptr && stored->data_type() == type ? stored : nullptr;
}

bool is_dequantized_byte(const std::string& tensor, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  const auto* zero = node != nullptr && is_dequantizer(*node) && node->input_size() > 2 ? index.initializer(node->input(2)) : nullptr;
  return zero != nullptr && zero->data_type() == onnx::TensorProto::UINT8 && index.initializer(node->input(0)) == nullptr;
}

bool is_rounded(const std::string& tensor, const GraphIndex& index) {
  const auto read_by_quantizer = [&](const std::string& name) {
    return std::ranges::any_of(index.uses(name), [&](const Use& use) { return is_quantizer(index.node(use.node)); });
  };
  return read_by_quantizer(tensor) || read_by_quantizer(behind_clamp(tensor, index));
}

// A bias as float values [M, 1, 1]; nothing where it is no constant.
std::optional<onnx::TensorProto> summands(const std::string& bias, std::int64_t count, const GraphIndex& index, NameMaker& names) {
  std::vector<float> values;
  if (const auto* stored = index.initializer(bias)) {
    values = float_values(*stored);
  } else {
    const auto* integers = stored_behind(bias, onnx::TensorProto::INT32, index);
    const auto* scales = integers != nullptr ? index.initializer(index.producer(bias)->input(1)) : nullptr;
    if (scales == nullptr) return {};
    const auto factors = float_values(*scales);
    for (const auto integer : int_values(*integers))
      values.push_back(static_cast<float>(integer) * factors[values.size() % factors.size()]);
  }
  if (std::ssize(values) != count) return {};
  return make_tensor(names.unique("b"), {count, 1, 1}, values);
}

class PointProducts {
 public:
  explicit PointProducts(Model& model) : model_(model), index_(model.graph()), types_(model.proto), names_(model.graph()) {}

  int run() {
    int replaced = 0;
    std::vector<onnx::NodeProto> nodes;
    for (const auto& node : model_.graph().node()) {
      auto parts = product_of(node);
      replaced += parts.empty() ? 0 : 1;
      if (parts.empty()) parts.push_back(node);
      nodes.insert(nodes.end(), std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end()));
    }
    if (replaced == 0) return 0;
    set_nodes(model_.graph(), std::move(nodes));
    for (auto& tensor : tensors_) put_initializer(model_.graph(), std::move(tensor));
    remove_unused(model_.graph());
    return replaced;
  }

 private:
  [[nodiscard]] bool pays(const onnx::NodeProto& node) const {
    const auto& type = types_.of(node.input(0));
    return type.is_static() && type.shape->size() == 4 && element_count(*type.shape) >= least_values;
  }

  // Empty where the node stays.
  std::vector<onnx::NodeProto> product_of(const onnx::NodeProto& node) {
    if (!is_point(node) || !pays(node) || is_rounded(node.output(0), index_) || !is_dequantized_byte(node.input(0), index_)) return {};
    const auto* stored = stored_behind(node.input(1), onnx::TensorProto::INT8, index_);
    if (stored == nullptr || shape_of(*stored).size() != 4 || stored->dims(2) * stored->dims(3) != 1) return {};
    const bool has_bias = node.input_size() > 2 && !node.input(2).empty();
    auto bias = has_bias ? summands(node.input(2), stored->dims(0), index_, names_) : std::nullopt;
    if (has_bias && !bias) return {};
    const std::string &x = node.input(0), &y = node.output(0);
    const std::string rows = names_.unique("r"), factors = names_.unique("f"), product = names_.unique("p");
    const std::string moved = has_bias ? names_.unique("p") : y;
    const auto& dequantizer = *index_.producer(x);
    const std::string integers = names_.unique("q");
    std::vector<onnx::NodeProto> parts = {
        make_node("Transpose", std::vector{dequantizer.input(0)}, std::vector{integers}),
        make_node("DequantizeLinear", std::vector{integers, dequantizer.input(1), dequantizer.input(2)}, std::vector{rows}),
        dequantized_columns(*stored, *index_.producer(node.input(1)), factors),
        make_node("MatMul", std::vector{rows, factors}, std::vector{product}),
        make_node("Transpose", std::vector{product}, std::vector{moved})};
    set_attribute(parts[0], "perm", channels_last);
    set_attribute(parts[4], "perm", channels_second);
    parts[3].set_name(node.name());
    if (has_bias) {
      parts.push_back(make_node("Add", std::vector{moved, bias->name()}, std::vector{y}));
      tensors_.push_back(std::move(*bias));
    }
    return parts;
  }

  onnx::NodeProto dequantized_columns(const onnx::TensorProto& stored, const onnx::NodeProto& dequantizer, const std::string& output) {
    const auto rows = stored.dims(0), columns = stored.dims(1);
    const auto own = int_values(stored);
    std::vector<std::int32_t> values;
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t m = 0; m < rows; ++m)
        values.push_back(middle + static_cast<std::int32_t>(own[static_cast<std::size_t>(m * columns + c)]));
    }
    const std::string weight = names_.unique("w"), zero = names_.unique("z");
    const Shape zeros = shape_of(*index_.initializer(dequantizer.input(1)));
    tensors_.push_back(make_tensor(weight, {columns, rows}, onnx::TensorProto::UINT8, values));
    tensors_.push_back(make_tensor(zero, zeros, onnx::TensorProto::UINT8,
                                   std::vector<std::int32_t>(static_cast<std::size_t>(element_count(zeros)), middle)));
    return make_node("DequantizeLinear", std::vector{weight, dequantizer.input(1), zero}, std::vector{output});  // axis 1
  }

  Model& model_;
  GraphIndex index_;
  ValueTypes types_;
  NameMaker names_;
  std::vector<onnx::TensorProto> tensors_;
};

}  // namespace

int multiply_points(Model& model) { return PointProducts(model).run(); }

std::optional<std::vector<std::int64_t>> convolution_weight(const std::vector<std::int64_t>& values, std::span<const std::int64_t> product,
                                                            std::span<const std::int64_t> planned) {
  const bool alike = product.size() == 2 && planned.size() == 4 && planned[2] * planned[3] == 1 && product[0] == planned[1] &&
                     product[1] == planned[0] && std::ssize(values) == product[0] * product[1];
  if (!alike) return std::nullopt;
  std::vector<std::int64_t> own;
  for (std::int64_t m = 0; m < planned[0]; ++m) {
    for (std::int64_t c = 0; c < planned[1]; ++c) own.push_back(values[static_cast<std::size_t>(c * planned[0] + m)] - middle);
  }
  return own;
}

}  // namespace quantize
