#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "encode/integer_activation.h"
#include "model/attribute.h"
#include "model/graph.h"
#include "rewrite/merge_groups.h"
#include "rewrite/point_products.h"
#include "rewrite/rewrite.h"
#include "verify/verify.h"
#include "verify/written_nodes.h"

namespace quantize {
namespace {

// The scale of the activation that `tensor` dequantizes; 0 where it is not a dequantized activation.
float activation_scale(const std::string& tensor, const GraphIndex& index) {
  const auto* node = index.producer(tensor);
  if (node == nullptr || node->op_type() != "DequantizeLinear") return 0;
  const auto* scale = index.initializer(node->input(1));
  return scale != nullptr ? float_values(*scale)[0] : 0;
}

// One for each scale; left out, they are 0.
bool has_planned_zero_points(const onnx::TensorProto* stored, const Encoding& encoding) {
  return stored == nullptr ? !encoding.has_zero_points() : std::ranges::equal(int_values(*stored), encoding.zero_point);
}

std::string same_shape(const onnx::ValueInfoProto& a, const onnx::ValueInfoProto& b) {
  if (a.type().tensor_type().elem_type() != b.type().tensor_type().elem_type()) return "type";
  if (a.type().SerializeAsString() != b.type().SerializeAsString()) return "shape";
  return "";
}

}  // namespace

Issues check_weights(const Model& prepared, const onnx::ModelProto& written, const Placement& placement, const Encodings& encodings) {
  Issues issues;
  const GraphIndex before(prepared.graph()), after(written.graph());
  const auto nodes = written_nodes(written.graph(), after);
  const auto planned_for = planned_nodes(before, placement, encodings);
  if (nodes.size() != planned_for.size())
    return {"the plan has " + std::to_string(planned_for.size()) + " weighted operators, the file " + std::to_string(nodes.size())};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (planned_for[i].weighted == nullptr) continue;  // see check_integer_activations()
    const auto& op = planned_for[i].weighted->op;
    const auto& encoding = encodings.weights.at(op.weight);
    const auto stored = constant_behind(nodes[i]->input(1), after);
    const std::string where = describe(*nodes[i]) + ": weight '" + op.weight + "'";
    if (stored.scale != encoding.scale) issues.push_back(where + " has other scales than planned");
    const auto& planned = *before.initializer(op.weight);
    const auto values = float_values(planned);
    const auto shape = shape_of(planned), stored_shape = shape_of(*stored.integers);
    const bool is_product = stored_shape.size() != shape.size();  // of a convolution, see point_products.h
    const auto type = static_cast<ElementType>(stored.integers->data_type());
    if (is_product ? !is_byte(type) : type != encoding.type) issues.push_back(where + " is stored as " + type_name(type));
    const auto all_are = [&](std::int64_t zero) {
      const auto zeros = stored.zero != nullptr ? int_values(*stored.zero) : std::vector<std::int64_t>{0};
      return std::ranges::count(zeros, zero) == std::ssize(zeros);
    };
    if (is_product ? !all_are(product_weight_zero(type)) : !has_planned_zero_points(stored.zero, encoding))
      issues.push_back(where + " has other zero points than planned");
    if (encoding.scale.size() > 1 && stored.axis != (is_product ? 1 : encoding.axis))
      issues.push_back(where + " is dequantized along axis " + std::to_string(stored.axis));
    auto integers = int_values(*stored.integers);
    if (stored_shape != shape) {
      auto own =
          is_product ? convolution_weight(integers, type, stored_shape, shape) : split_groups(integers, stored_shape, shape, op.groups);
      if (!own) {
        issues.push_back(where + " is stored in another shape than planned");
        continue;
      }
      integers = std::move(*own);
    }
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::size_t slice = slice_of(k, shape, encoding);
      const double scale = encoding.scale[slice];
      const double half = 0.5001 * scale + std::fabs(values[k]) * 0x1p-23;  // what single precision makes of value / scale
      const IntegerRange range = encoding.weight_range(slice);
      if (integers[k] < range.low || integers[k] > range.high) {
        issues.push_back(where + " element " + std::to_string(k) + " is outside the integer range planned");
        break;
      }
      const bool clipped = integers[k] == range.low || integers[k] == range.high;
      if (!clipped && std::fabs(static_cast<double>(integers[k] - encoding.zero_point[slice]) * scale - values[k]) > half) {
        issues.push_back(where + " element " + std::to_string(k) + " is more than half a step away from its float value");
        break;
      }
    }
  }
  return issues;
}

Issues check_biases(const onnx::ModelProto& written) {
  Issues issues;
  const GraphIndex index(written.graph());
  for (const auto* node : written_nodes(written.graph(), index)) {
    if (node->input_size() < 3 || node->input(2).empty()) continue;
    const auto bias = constant_behind(node->input(2), index), weight = constant_behind(node->input(1), index);
    if (bias.integers == nullptr) continue;  // a float bias
    if (bias.scale.empty()) issues.push_back(describe(*node) + ": its bias has no constant scale");
    const float input = activation_scale(node->input(0), index);
    for (std::size_t i = 0; i < bias.scale.size(); ++i) {
      const float expected = input * weight.scale[i % weight.scale.size()];
      if (bias.scale[i] != expected) {
        issues.push_back(describe(*node) + ": bias scale " + std::to_string(i) + " is not exactly input scale x weight scale");
        break;
      }
    }
  }
  return issues;
}

namespace {

// Empty where it is left out, as ONNX allows: then it is 0.
std::string zero_name(const onnx::NodeProto& node) { return node.input_size() > 2 ? node.input(2) : std::string(); }

bool undoes(const onnx::NodeProto& reader, const onnx::NodeProto& quantizer) {
  return reader.op_type() == "DequantizeLinear" && reader.input(1) == quantizer.input(1) && zero_name(reader) == zero_name(quantizer);
}

// Of a Quantize/DequantizeLinear; empty what no constant says.
struct Parameters {
  std::vector<float> scales;
  std::vector<std::int64_t> zeros;
  ElementType type = onnx::TensorProto::UINT8;  // what QuantizeLinear makes where it has no zero point
  std::int64_t axis = 0;

  [[nodiscard]] float first_scale() const { return scales.empty() ? 0 : scales[0]; }
  [[nodiscard]] std::int64_t first_zero() const { return zeros.empty() ? 0 : zeros[0]; }
  auto operator<=>(const Parameters&) const = default;
};

Parameters parameters_of(const onnx::NodeProto& node, const GraphIndex& index) {
  Parameters parameters;
  if (const auto* scale = index.initializer(node.input(1))) {
    parameters.scales = float_values(*scale);
    if (scale->dims_size() > 0) parameters.axis = int_attribute(node, "axis", 1);
  }
  if (const auto* zero = index.initializer(zero_name(node))) {
    parameters.zeros = int_values(*zero);
    parameters.type = static_cast<ElementType>(zero->data_type());
  }
  return parameters;
}

bool moves_integers(const onnx::NodeProto& node) { return node.op_type() == "Transpose" || node.op_type() == "Reshape"; }

// The integers before what only moves them (point_products.h), and who reads them behind it.
const std::string& integers_before(const std::string& integers, const GraphIndex& index) {
  const auto* node = index.producer(integers);
  return node != nullptr && moves_integers(*node) ? integers_before(node->input(0), index) : integers;
}

const onnx::NodeProto& reader_of(const Use& use, const GraphIndex& index) {
  const auto& node = index.node(use.node);
  const auto further = moves_integers(node) ? index.only_use(node.output(0)) : std::nullopt;
  return further ? reader_of(*further, index) : node;
}

// Of all QuantizeLinear nodes: those of a prepared model make pixels, it has no others.
std::vector<Parameters> quantizers_of(const onnx::ModelProto& model) {
  const GraphIndex index(model.graph());
  std::vector<Parameters> found;
  for (const auto& node : model.graph().node()) {
    if (node.op_type() == "QuantizeLinear") found.push_back(parameters_of(node, index));
  }
  std::ranges::sort(found);
  return found;
}

// Integers that are read as values of their own: no reader takes the rounding back.
bool makes_pixels(const onnx::NodeProto& node, const GraphIndex& index, const std::vector<Parameters>& pixels) {
  if (node.op_type() != "QuantizeLinear" || index.uses(node.output(0)).empty()) return false;
  return std::ranges::find(pixels, parameters_of(node, index)) != pixels.end() &&
         std::ranges::none_of(index.uses(node.output(0)), [&](const Use& use) { return undoes(index.node(use.node), node); });
}

}  // namespace

Issues check_pixels(const onnx::ModelProto& prepared, const onnx::ModelProto& written) {
  const auto planned = quantizers_of(prepared), found = quantizers_of(written);
  if (std::ranges::includes(found, planned)) return {};
  return {"the input is not rounded to pixels with the scales and zero points planned"};
}

Issues check_activations(const onnx::ModelProto& prepared, const onnx::ModelProto& written, const Placement& placement,
                         const Encodings& encodings) {
  Issues issues;
  const GraphIndex index(written.graph());
  using Key = std::tuple<int, float, std::int64_t>;
  std::map<Key, int> planned, found;
  std::set<std::string> planned_pixels, seen_pixels;  // counted once, however many Casts read them
  const GraphIndex before(prepared.graph());
  for (const auto& group : placement.groups) {
    for (const auto& member : group.members) {
      const bool from_pixels = group.is_pixels && member == group.sources[0];
      if (from_pixels && !planned_pixels.insert(before.producer(member)->input(0)).second) continue;
      const auto& encoding = encodings.activations.at(member);
      ++planned[{encoding.type, encoding.scale[0], encoding.zero_point[0]}];
    }
  }
  const Encoding gate = gate_encoding();
  for (const int number : placement.integer_activations) {
    if (!shares_encoding(before.node(number)) && runs_on_integers(before.node(number), encodings))
      ++planned[{gate.type, gate.scale[0], gate.zero_point[0]}];
  }
  const auto pixels = quantizers_of(prepared);
  for (const auto& node : written.graph().node()) {
    const auto* maker = node.op_type() == "DequantizeLinear" ? index.producer(integers_before(node.input(0), index)) : nullptr;
    const bool reads_pixels = node.op_type() == "DequantizeLinear" && index.initializer(node.input(0)) == nullptr &&
                              (maker == nullptr || maker->op_type() != "QuantizeLinear" || makes_pixels(*maker, index, pixels)) &&
                              !(maker != nullptr && is_integer_max(*maker, index));
    if (reads_pixels && seen_pixels.insert(integers_before(node.input(0), index)).second)
      ++found[{onnx::TensorProto::UINT8, parameters_of(node, index).first_scale(), 0}];
    if (node.op_type() != "QuantizeLinear" || makes_pixels(node, index, pixels)) continue;
    const auto parameters = parameters_of(node, index);
    ++found[{parameters.type, parameters.first_scale(), parameters.first_zero()}];
    for (const auto& use : index.uses(node.output(0))) {
      const auto& reader = reader_of(use, index);
      if (!undoes(reader, node) && !is_integer_max(reader, index)) {
        issues.push_back("'" + node.output(0) + "' is not dequantized with the parameters it was quantized with");
      }
    }
  }
  if (planned != found) issues.emplace_back("the QuantizeLinear nodes of the file do not carry the planned types, scales and zero points");
  return issues;
}

Issues check_bits(const Placement& placement, const Encodings& encodings, const Scheme& scheme) {
  Issues issues;
  const auto compare = [&](const std::string& what, ElementType planned, ElementType wanted) {
    if (planned != wanted) issues.push_back(what + " is planned as " + type_name(planned) + ", not as " + type_name(wanted));
  };
  for (const auto& weighted : placement.weighted) {
    const auto& weight = weighted.op.weight;
    compare("weight '" + weight + "'", encodings.weights.at(weight).type, scheme_for_weight(scheme, placement, weight).weight_type());
  }
  for (const auto& group : placement.groups) {
    const ElementType wanted = scheme_for_activations(scheme, group).activation_type();
    compare("activation '" + group.members[0] + "'", encodings.activations.at(group.members[0]).type, wanted);
  }
  return issues;
}

Issues check_interface(const onnx::ModelProto& original, const onnx::ModelProto& written) {
  Issues issues;
  const auto compare = [&](const auto& a, const auto& b, const std::string& what) {
    if (a.size() != b.size()) {
      issues.push_back("the number of " + what + "s changed");
      return;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i]->name() != b[i]->name()) issues.push_back(what + " '" + a[i]->name() + "' is now called '" + b[i]->name() + "'");
      if (const auto changed = same_shape(*a[i], *b[i]); !changed.empty())
        issues.push_back("the " + changed + " of " + what + " '" + a[i]->name() + "' changed");
    }
  };
  std::vector<const onnx::ValueInfoProto*> outputs_a, outputs_b;
  for (const auto& output : original.graph().output()) outputs_a.push_back(&output);
  for (const auto& output : written.graph().output()) outputs_b.push_back(&output);
  compare(fed_inputs(original.graph()), fed_inputs(written.graph()), "input");
  compare(outputs_a, outputs_b, "output");
  return issues;
}

}  // namespace quantize
