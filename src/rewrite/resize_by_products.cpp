#include "rewrite/resize_by_products.h"

#include <algorithm>
#include <array>
#include <optional>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/value_types.h"

namespace quantize {
namespace {

constexpr const char* domain_name = "quantize";
constexpr const char* function_name = "ResizeByProducts";
constexpr int first_with_functions = 8;           // version of the format
constexpr double most_products = 80;              // multiplications for a value of the result
constexpr double least_values = double{1 << 17};  // of the result: less is done in no time either way

struct Sizes {
  std::int64_t h, w, to_h, to_w;
};

// What the scales or sizes of a Resize say of its last two dimensions, where they say nothing of the others.
std::optional<Sizes> sizes_of(const onnx::NodeProto& node, const GraphIndex& index, const ValueTypes& types) {
  const ValueType &read = types.of(node.input(0)), &made = types.of(node.output(0));
  if (read.type != onnx::TensorProto::FLOAT || !read.is_static() || !made.is_static()) return std::nullopt;
  const Shape &from = *read.shape, &to = *made.shape;
  if (from.size() != 4 || to.size() != 4 || from[0] != to[0] || from[1] != to[1]) return std::nullopt;
  const bool scaled = node.input_size() > 2 && !node.input(2).empty();
  const auto* scales = scaled ? index.constant(node.input(2)) : nullptr;
  if (scaled && scales == nullptr) return std::nullopt;
  const auto factors = scaled ? float_values(*scales) : std::vector<float>{};
  for (std::size_t i = 0; i < factors.size(); ++i) {  // positions follow from the scale as given: it has to be the one of the sizes
    if (factors[i] != static_cast<float>(to[i]) / static_cast<float>(from[i])) return std::nullopt;
  }
  return Sizes{from[2], from[3], to[2], to[3]};
}

bool is_plain_linear(const onnx::NodeProto& node) {
  if (node.op_type() != "Resize" || string_attribute(node, "mode", "nearest") != "linear") return false;
  if (find_attribute(node, "axes") != nullptr || int_attribute(node, "antialias", 0) != 0) return false;
  if (string_attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch") return false;
  return string_attribute(node, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
}

bool pays(const Sizes& sizes, std::int64_t planes) {
  const auto [h, w, to_h, to_w] = sizes;
  if (h < 1 || w < 1 || to_h < 1 || to_w < 1) return false;
  const double products = static_cast<double>(h) + static_cast<double>(h * w) / static_cast<double>(to_h);
  return products <= most_products && static_cast<double>(planes * to_h * to_w) >= least_values;
}

void refer(onnx::NodeProto& node, const std::string& attribute, onnx::AttributeProto::AttributeType type, const std::string& to) {
  auto& reference = *node.add_attribute();
  reference.set_name(attribute);
  reference.set_type(type);
  reference.set_ref_attr_name(to);
}

// (x) -> y with the attributes h, w [n, n] of the identities, to_h [H, h] and to_w [w, W] of the matrices, and `positions`.
onnx::FunctionProto function_of(std::int64_t opset) {
  onnx::FunctionProto function;
  function.set_domain(domain_name);
  function.set_name(function_name);
  function.add_input("x");
  function.add_output("y");
  auto& import = *function.add_opset_import();
  import.set_version(opset);
  const auto add = [&](const char* type, const std::vector<std::string>& inputs, const std::string& output) -> onnx::NodeProto& {
    return *function.add_node() = make_node(type, inputs, {&output, 1});
  };
  for (const std::string side : {"h", "w"}) {
    for (const std::string& shape : {side, "to_" + side}) {
      refer(add("Constant", {}, "shape_" + shape), "value_ints", onnx::AttributeProto::INTS, shape);
      function.add_attribute(shape);
    }
    add("ConstantOfShape", {"shape_" + side}, "zeros_" + side);
    add("EyeLike", {"zeros_" + side}, "identity_" + side);
    auto& resize = add("Resize", {"identity_" + side, "", "", "shape_to_" + side}, "matrix_" + side);
    set_attribute(resize, "mode", std::string("linear"));
    refer(resize, "coordinate_transformation_mode", onnx::AttributeProto::STRING, "positions");
  }
  function.add_attribute("positions");
  add("MatMul", {"x", "matrix_w"}, "wide");
  add("MatMul", {"matrix_h", "wide"}, "y");
  return function;
}

onnx::NodeProto call_of(const onnx::NodeProto& resize, const Sizes& sizes) {
  auto node = make_node(function_name, {&resize.input(0), 1}, {&resize.output(0), 1});
  node.set_domain(domain_name);
  node.set_name(resize.name());
  const auto [h, w, to_h, to_w] = sizes;
  set_attribute(node, "h", std::array{h, h});
  set_attribute(node, "to_h", std::array{to_h, h});
  set_attribute(node, "w", std::array{w, w});
  set_attribute(node, "to_w", std::array{w, to_w});
  set_attribute(node, "positions", string_attribute(resize, "coordinate_transformation_mode", "half_pixel"));
  return node;
}

}  // namespace

int resize_by_products(Model& model) {
  const auto& imports = model.proto.opset_import();
  if (std::ranges::any_of(imports, [](const auto& import) { return import.domain() == domain_name; })) return 0;  // someone else's
  auto& graph = model.graph();
  const GraphIndex index(graph);
  const ValueTypes types(model.proto);
  int replaced = 0;
  for (auto& node : *graph.mutable_node()) {
    if (!is_plain_linear(node)) continue;
    const auto sizes = sizes_of(node, index, types);
    if (!sizes) continue;
    // What is rounded to integers behind it keeps its exact values: a difference in the last bit would round to the other side.
    if (std::ranges::any_of(index.uses(node.output(0)),
                            [&](const auto& use) { return index.node(use.node).op_type() == "QuantizeLinear"; }))
      continue;
    const Shape& shape = *types.of(node.input(0)).shape;
    if (!pays(*sizes, shape[0] * shape[1])) continue;
    node = call_of(node, *sizes);
    ++replaced;
  }
  if (replaced == 0) return 0;
  *model.proto.add_functions() = function_of(opset_of(model.proto));
  import_domain(model.proto, domain_name);
  if (model.proto.ir_version() < first_with_functions) model.proto.set_ir_version(first_with_functions);
  remove_unused(graph);
  return replaced;
}

}  // namespace quantize
