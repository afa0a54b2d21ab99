#include "rewrite/point_products.h"

#include <algorithm>
#include <map>
#include <set>

#include "encode/encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/parity.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

constexpr std::int64_t channels_last[] = {0, 2, 3, 1}, channels_second[] = {0, 3, 1, 2};

// The constant that a DequantizeLinear of integers of `type` makes `tensor` from, without a zero point; null where it is none.
const onnx::TensorProto* stored_behind(const std::string& tensor, ElementType type, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  const auto* stored = node != nullptr && is_dequantizer(*node) && node->input_size() == 2 ? index.initializer(node->input(0)) : nullptr;
  return stored != nullptr && stored->data_type() == type ? stored : nullptr;
}

bool is_dequantized_byte(const std::string& tensor, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  const auto* zero = node != nullptr && is_dequantizer(*node) && node->input_size() > 2 ? index.initializer(node->input(2)) : nullptr;
  return zero != nullptr && zero->data_type() == onnx::TensorProto::UINT8 && zero->dims_size() == 0 &&  // one for all channels
         index.initializer(node->input(0)) == nullptr;
}

bool is_rounded(const std::string& tensor, const GraphIndex& index) {
  const auto read_by_quantizer = [&](const std::string& name) {
    return std::ranges::any_of(index.uses(name), [&](const Use& use) { return is_quantizer(index.node(use.node)); });
  };
  return read_by_quantizer(tensor) || read_by_quantizer(behind_clamp(tensor, index));
}

class PointProducts {
 public:
  PointProducts(Model& model, const std::set<std::string>& within_pairs)
      : model_(model), within_pairs_(within_pairs), index_(model.graph()), types_(model.proto), names_(model.graph()) {}

  std::vector<PointProduct> run() {
    std::vector<onnx::NodeProto> nodes;
    for (const auto& node : model_.graph().node()) {
      auto parts = product_of(node);
      if (!parts.empty()) replaced_.push_back({index_.producer(node.input(0))->input(0), node.output(0)});
      if (parts.empty()) parts.push_back(node);
      nodes.insert(nodes.end(), std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end()));
    }
    if (replaced_.empty()) return {};
    set_nodes(model_.graph(), std::move(nodes));
    for (auto& tensor : tensors_) put_initializer(model_.graph(), std::move(tensor));
    remove_unused(model_.graph());
    return std::move(replaced_);
  }

 private:
  // Nothing where channels, height or width are not known.
  [[nodiscard]] std::optional<Shape> image(const std::string& tensor) const {
    const auto& shape = types_.of(tensor).shape;
    if (!shape || shape->size() != 4 || std::any_of(shape->begin() + 1, shape->end(), [](auto size) { return size < 1; })) return {};
    return shape;
  }

  // Empty where the node stays.
  std::vector<onnx::NodeProto> product_of(const onnx::NodeProto& node) {
    if (node.op_type() != "Conv" || node.input_size() < 2 || is_rounded(node.output(0), index_)) return {};
    const auto* stored = stored_behind(node.input(1), onnx::TensorProto::INT8, index_);
    if (stored == nullptr || !is_pointwise(node, shape_of(*stored)) || !is_dequantized_byte(node.input(0), index_)) return {};
    const auto type = within_pairs_.contains(node.output(0)) ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8;
    const auto from = image(node.input(0));
    if (!from) return {};
    const auto& dequantizer = *index_.producer(node.input(0));
    const Shape to = {-1, (*from)[2], (*from)[3], stored->dims(0)};
    const auto name = [&](const char* stem) { return names_.unique(stem); };
    const std::string last = name("q"), rows = name("q"), x = name("r"), factors = name("f"), product = name("p"), placed = name("p");
    std::vector<std::string> operands = {x, factors};
    if (node.input_size() > 2 && !node.input(2).empty()) operands.push_back(node.input(2));
    std::vector<onnx::NodeProto> parts = {
        make_node("Transpose", std::vector{dequantizer.input(0)}, std::vector{last}),
        make_node("Reshape", std::vector{last, shape_tensor({-1, (*from)[1]})}, std::vector{rows}),
        make_node("DequantizeLinear", std::vector{rows, dequantizer.input(1), dequantizer.input(2)}, std::vector{x}),
        dequantized_columns(*stored, type, *index_.producer(node.input(1)), factors),
        make_node("Gemm", operands, std::vector{product}),
        make_node("Reshape", std::vector{product, shape_tensor(to)}, std::vector{placed}),
        make_node("Transpose", std::vector{placed}, std::vector{node.output(0)})};
    set_attribute(parts.front(), "perm", channels_last);
    set_attribute(parts.back(), "perm", channels_second);
    parts[4].set_name(node.name());
    return parts;
  }

  std::string shape_tensor(const Shape& shape) {
    auto& name = shapes_[shape];
    if (name.empty()) {
      name = names_.unique("h");
      tensors_.push_back(make_tensor(name, {std::ssize(shape)}, shape));
    }
    return name;
  }

  onnx::NodeProto dequantized_columns(const onnx::TensorProto& stored, ElementType type, const onnx::NodeProto& dequantizer,
                                      const std::string& output) {
    const auto rows = stored.dims(0), columns = stored.dims(1);
    const std::int32_t zero = product_weight_zero(type);
    const auto own = int_values(stored);
    std::vector<std::int32_t> values;
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t m = 0; m < rows; ++m)
        values.push_back(zero + static_cast<std::int32_t>(own[static_cast<std::size_t>(m * columns + c)]));
    }
    const std::string weight = names_.unique("w"), zeros = names_.unique("z");  // without zero points the runtime does not fuse a Gemm
    const Shape shape = shape_of(*index_.initializer(dequantizer.input(1)));
    tensors_.push_back(make_tensor(weight, {columns, rows}, type, values));
    tensors_.push_back(make_tensor(zeros, shape, type, std::vector(static_cast<std::size_t>(element_count(shape)), zero)));
    return make_node("DequantizeLinear", std::vector{weight, dequantizer.input(1), zeros}, std::vector{output});  // axis 1
  }

  Model& model_;
  const std::set<std::string>& within_pairs_;
  GraphIndex index_;
  ValueTypes types_;
  NameMaker names_;
  std::vector<PointProduct> replaced_;
  std::vector<onnx::TensorProto> tensors_;
  std::map<Shape, std::string> shapes_;
};

}  // namespace

std::int32_t product_weight_zero(ElementType type) { return type == onnx::TensorProto::UINT8 ? 128 : 0; }

std::set<std::string> results_within_pairs(const Model& prepared, const Placement& placement, bool all) {
  std::set<std::string> results;
  for (const auto& [node, op] : placement.weighted) {
    if (all || placement.integer_products.contains(node)) results.insert(prepared.graph().node(node).output(0));
  }
  return results;
}

std::vector<PointProduct> multiply_points(Model& model, const std::set<std::string>& within_pairs) {
  return PointProducts(model, within_pairs).run();
}

bool are_same_products(const Model& before, const Model& after, std::span<const PointProduct> products) {
  const ValueTypes types(before.proto);
  std::uint32_t state = 1;
  return std::ranges::all_of(products, [&](const PointProduct& product) {  // one by one and on one thread: they take the memory of one
    Shape shape = *types.of(product.from).shape;
    shape[0] = std::max<std::int64_t>(shape[0], 1);  // a free batch
    std::vector<Tensor> integers = {Tensor::zeros(onnx::TensorProto::UINT8, shape)};
    for (auto& byte : integers[0].bytes) byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    const auto alone = [&](const Model& model) {
      auto part = extract(model.proto, {&product.from, 1}, {&product.to, 1});
      part.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::UINT8);
      return part;
    };
    return ParityCheck(alone(before), {&integers, 1}, {}).measure(alone(after)).same;
  });
}

std::optional<std::vector<std::int64_t>> convolution_weight(const std::vector<std::int64_t>& values, ElementType type,
                                                            std::span<const std::int64_t> product, std::span<const std::int64_t> planned) {
  const bool alike = product.size() == 2 && planned.size() == 4 && planned[2] * planned[3] == 1 && product[0] == planned[1] &&
                     product[1] == planned[0] && std::ssize(values) == product[0] * product[1];
  if (!alike) return std::nullopt;
  std::vector<std::int64_t> own;
  for (std::int64_t m = 0; m < planned[0]; ++m) {
    for (std::int64_t c = 0; c < planned[1]; ++c)
      own.push_back(values[static_cast<std::size_t>(c * planned[0] + m)] - product_weight_zero(type));
  }
  return own;
}

}  // namespace quantize
