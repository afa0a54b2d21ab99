#include "rewrite/rewrite.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "encode/absorbed_clamp.h"
#include "encode/integer_activation.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "rewrite/integer_activation.h"
#include "rewrite/qdq_writer.h"
#include "rewrite/quantize_bias.h"
#include "rewrite/split_prelu.h"

namespace quantize {
namespace {

class Rewriter {
 public:
  Rewriter(const Model& prepared, const Placement& placement, const Encodings& encodings, const RewriteOptions& options)
      : placement_(placement),
        encodings_(encodings),
        options_(options),
        result_(prepared),
        names_(prepared.graph()),
        writer_(result_.graph(), names_),
        index_(prepared.graph()) {}

  Model run() {
    auto& graph = result_.graph();
    graph.clear_node();
    graph.clear_value_info();
    for (const auto& weighted : placement_.weighted) {
      weighted_[weighted.node] = &weighted.op;
      readers_[weighted.op.weight].push_back(&weighted);
    }
    for (const auto& group : placement_.groups) {
      if (group.is_pixels) pixels_[group.sources[0]] = index_.producer(group.sources[0])->input(0);
    }
    for (const auto* input : fed_inputs(index_.graph())) insert_pair(input->name(), input->name());
    for (int i = 0; i < index_.graph().node_size(); ++i) rewrite_node(i);
    remove_unused(graph);
    move_out_large_weights(graph, result_.limits, result_.scratch);
    return std::move(result_);
  }

 private:
  // BEFORE  a -> Conv -> t -> Relu -> y         AFTER  a' -> Conv(w', b') -> y -> Q -> DQ -> y'
  // (the Relu goes where y's encoding starts at zero; a', y' are dequantized tensors; a graph output keeps its name at the very end)
  void rewrite_node(int number) {
    onnx::NodeProto node = index_.node(number);
    const bool quantized = placement_.decisions[static_cast<std::size_t>(number)].quantized;
    if (quantized && is_absorbed(node, index_, placement_, encodings_)) {
      finish_absorbed(node);
      return;
    }
    if (placement_.integer_activations.contains(number) && runs_on_integers(node, encodings_)) {
      write_integer_activation(node);
      return;
    }
    if (const auto found = weighted_.find(number); found != weighted_.end() && options_.weights) quantize_weights(node, *found->second);
    for (int k = 0; k < node.input_size(); ++k) {
      const std::string name = node.input(k);
      if (read_as_.contains(name)) {
        node.set_input(k, name_for_reader(name, quantized));
      } else if (quantized && !weighted_.contains(number) && is_data_input(node, k) && is_quantized_constant(name)) {
        node.set_input(k, dequantized_constant(name));  // of its own, not of readers that stay float
      }
    }
    rename_captured(node);
    if ((!quantized && runtime_would_quantize(number)) || runtime_would_move(number, node)) {
      const std::string copy = names_.unique(node.input(0) + "_copy");
      writer_.add("Sum", {node.input(0)}, copy);
      node.set_input(0, copy);
    }
    std::vector<std::pair<std::string, std::string>> made;  // (name before, name now) of outputs to be quantized
    for (auto& output : *node.mutable_output()) {
      if (!encodings_.activations.contains(output)) continue;
      const std::string before = output;
      if (index_.is_graph_output(before)) output = names_.unique(before + "_float");
      made.emplace_back(before, output);
    }
    const bool is_float = !quantized || placement_.integer_activations.contains(number);
    const auto* slope = placement_.split_prelu && is_float && node.op_type() == "PRelu" ? index_.initializer(node.input(1)) : nullptr;
    for (auto& part : split_prelu(std::move(node), slope, names_)) *result_.graph().add_node() = std::move(part);
    for (const auto& [before, now] : made) insert_pair(before, now);
  }

  // BEFORE  x -> PRelu or HardSwish -> y           AFTER  see integer_activation.h
  void write_integer_activation(const onnx::NodeProto& node) {
    const std::string &x = node.input(0), &y = node.output(0);
    const auto& encoding = encodings_.activations.at(x);
    const auto& maker = *weighted_.at(index_.producer_number(x));
    Shape factors(static_cast<std::size_t>(index_.initializer(maker.weight)->dims_size()), 1);
    factors[0] = maker.outputs;
    const IntegerInput input{read_as_.at(x), integers_.at(x), encoding, factors};
    if (!shares_encoding(node)) {
      const std::string product = names_.unique(y + "_product");
      write_integer_hard_swish(input, node.name(), product, writer_);
      return insert_pair(y, product);
    }
    integers_[y] = write_integer_prelu(input, slopes_of(node, *index_.producer(x), index_), writer_);
    writer_.add("DequantizeLinear", {integers_[y], writer_.scale(encoding.scale), writer_.zero(encoding)}, y);
    read_as_[y] = made_as_[y] = y;
  }

  // One float operator reads what another made, or what the model is given, before it is rounded for others.
  bool is_read_unrounded(const std::string& name) const {
    const int producer = index_.producer_number(name);
    return producer < 0 || !placement_.decisions[static_cast<std::size_t>(producer)].quantized;
  }

  // What the readers of a quantized tensor read now.
  const std::string& name_for_reader(const std::string& name, bool quantized_reader) const {
    return !quantized_reader && is_read_unrounded(name) ? made_as_.at(name) : read_as_.at(name);
  }

  // ONNX Runtime computes with integers whatever it can between DequantizeLinear and QuantizeLinear, and quantizes float weights there
  // unasked, per tensor. A Sum of one input, which only copies, in front of one that is to stay float prevents that. Pools with dilations
  // are among what it takes and then fails at.
  bool runtime_would_quantize(int number) const {
    static const std::set<std::string> with_weights = {"Conv", "ConvTranspose", "Gemm"};
    static const std::set<std::string> arithmetic = {"Add",       "Mul",     "MatMul", "Concat", "AveragePool", "GlobalAveragePool",
                                                     "LeakyRelu", "Sigmoid", "Softmax"};
    const auto& node = index_.node(number);
    const bool has_weights = with_weights.contains(node.op_type()) && node.input_size() > 1 && index_.constant(node.input(1)) != nullptr;
    const bool stays_float = placement_.excluded.contains(number) || role_of(node, index_) == Role::floating;
    if (!has_weights && !(stays_float && arithmetic.contains(node.op_type()))) return false;
    for (int k = 0; k < node.input_size(); ++k) {
      if (is_data_input(node, k) && (!read_as_.contains(node.input(k)) || is_read_unrounded(node.input(k)))) return false;
    }
    return node.op_type() == "MatMul" || is_rounded(node.output(0));  // it has an integer product with a float result
  }

  // From the DequantizeLinear in front of what moves its values ONNX Runtime goes on to a pair of its own behind it, where there is none.
  // From opset 21 on such a pair for int8 is one that ONNX Runtime 1.32 then refuses. `written`: the node with the inputs that it has now.
  bool runtime_would_move(int number, const onnx::NodeProto& written) const {
    static const std::set<std::string> types = {"MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"};
    const auto& node = index_.node(number);
    if (!standard_domain(node) || !types.contains(node.op_type()) || opset_of(result_.proto) < 21) return false;
    const auto read_as = read_as_.find(node.input(0));
    return read_as != read_as_.end() && read_as->second == written.input(0) && !encodings_.activations.contains(node.output(0)) &&
           encodings_.activations.at(node.input(0)).type == onnx::TensorProto::INT8;
  }

  // As it is, or behind a Relu or Clip: the runtime removes those, too.
  bool is_rounded(const std::string& name) const {
    return encodings_.activations.contains(name) || encodings_.activations.contains(behind_clamp(name, index_));
  }

  // Subgraphs are float operators.
  void rename_captured(onnx::NodeProto& node) {
    if (captured_tensors(node).empty()) return;
    onnx::GraphProto holder;
    *holder.add_node() = node;
    for (const auto& name : captured_tensors(node)) {
      if (read_as_.contains(name)) replace_uses(holder, name, name_for_reader(name, false));
    }
    node = holder.node(0);
  }

  // The producer, already written, makes the clamp's output directly.
  void finish_absorbed(const onnx::NodeProto& node) {
    const std::string now = index_.is_graph_output(node.output(0)) ? names_.unique(node.output(0) + "_float") : node.output(0);
    for (auto& producer : *result_.graph().mutable_node()) {
      for (auto& output : *producer.mutable_output()) {
        if (output == node.input(0)) output = now;
      }
    }
    insert_pair(node.output(0), now);
  }

  // name: the tensor as the prepared graph knows it; float_name: what now carries its float value.
  void insert_pair(const std::string& name, const std::string& float_name) {
    const auto found = encodings_.activations.find(name);
    if (found == encodings_.activations.end()) return;
    const auto& encoding = found->second;
    const std::string scale = writer_.scale(encoding.scale), zero = writer_.zero(encoding);
    const auto pixels = pixels_.find(name);
    const std::string integer = pixels != pixels_.end() ? pixels->second : names_.unique("q" + std::to_string(++pairs_));
    const std::string dequantized = name != float_name ? name : names_.unique("d" + std::to_string(pairs_));
    if (pixels == pixels_.end()) writer_.add("QuantizeLinear", {float_name, scale, zero}, integer);
    writer_.add("DequantizeLinear", {integer, scale, zero}, dequantized);
    integers_[name] = integer;
    read_as_[name] = dequantized;
    made_as_[name] = float_name;
  }

  void quantize_weights(onnx::NodeProto& node, const WeightedOp& op) {
    const auto& encoding = encodings_.weights.at(op.weight);
    if (!weights_.contains(op.weight)) {
      const auto& tensor = *index_.initializer(op.weight);
      const auto values = float_values(tensor);
      const auto integers = quantize_values(values, shape_of(tensor), encoding);
      const bool zeros = placement_.weight_zeros || encoding.has_zero_points() || has_integer_gemm(op.weight, encoding);
      weights_[op.weight] = writer_.dequantized(
          make_tensor(names_.unique("w" + std::to_string(weights_.size() + 1)), shape_of(tensor), encoding.type, integers),
          writer_.scale(encoding.scale, encoding.scale_shape(shape_of(tensor))), written_axis(op.weight, encoding, tensor.dims_size()),
          zeros ? writer_.zero(encoding) : "", encoding.block);
    }
    node.set_input(1, weights_[op.weight]);
    if (!op.bias.empty() && !placement_.float_biases) node.set_input(2, quantized_bias(op, encoding));
  }

  // Of the integers that it reads; UNDEFINED where they stay float.
  ElementType input_type(const WeightedOp& op) const {
    const auto input = encodings_.activations.find(op.input);
    return input != encodings_.activations.end() ? input->second.type : onnx::TensorProto::UNDEFINED;
  }

  // ONNX Runtime has an integer kernel for Gemm only where all its zero points are there. One of the weight's readers is enough.
  bool has_integer_gemm(const std::string& weight, const Encoding& encoding) const {
    return encoding.block == 0 && std::ranges::any_of(readers_.at(weight), [&](const WeightedNode* reader) {
             return index_.node(reader->node).op_type() == "Gemm" && is_byte(input_type(reader->op));
           });
  }

  // Recent ONNX Runtimes make a MatMulNBits of a matrix product that has no integer kernel and weights scaled along axis 1, and that rounds
  // activations to 8 bits, in blocks of 32, whatever they were. An axis counted from behind is the same one and goes unseen.
  int written_axis(const std::string& weight, const Encoding& encoding, int rank) const {
    const bool has_wide_product = rank == 2 && encoding.block == 0 && std::ranges::any_of(readers_.at(weight), [&](const auto* reader) {
                                    return is_wide(input_type(reader->op));
                                  });
    return placement_.shortens_products && has_wide_product && encoding.axis == 1 ? -1 : encoding.axis;
  }

  std::string quantized_bias(const WeightedOp& op, const Encoding& weight) {
    const auto* bias = index_.initializer(op.bias);
    if (!is_quantized_bias(bias, op, encodings_)) return op.bias;
    const auto& input = encodings_.activations.at(op.input);
    const bool drops_low_byte = placement_.drops_low_byte && is_wide(input.type);
    const auto [scale, integers] = quantize_bias(float_values(*bias), input.scale[0], weight.scale, drops_low_byte);
    const Shape shape = shape_of(*bias);
    const int axis = scale.size() == 1 ? -1 : static_cast<int>(shape.size()) - 1;
    return writer_.dequantized(make_tensor(names_.unique("b" + std::to_string(++biases_)), shape, onnx::TensorProto::INT32, integers),
                               writer_.scale(scale), axis);
  }

  bool is_quantized_constant(const std::string& name) const {
    return index_.initializer(name) != nullptr && encodings_.activations.contains(name);
  }

  std::string dequantized_constant(const std::string& name) {
    if (const auto known = dequantized_.find(name); known != dequantized_.end()) return known->second;
    const auto& encoding = encodings_.activations.at(name);
    const auto& tensor = *index_.initializer(name);
    const auto integers = quantize_values(float_values(tensor), shape_of(tensor), encoding);
    const std::string integer = names_.unique("c" + std::to_string(++constants_));
    put_initializer(result_.graph(), make_tensor(integer, shape_of(tensor), encoding.type, integers));
    const std::string output = names_.unique("d_" + integer);
    writer_.add("DequantizeLinear", {integer, writer_.scale(encoding.scale), writer_.zero(encoding)}, output);
    return dequantized_[name] = output;
  }

  const Placement& placement_;
  const Encodings& encodings_;
  const RewriteOptions options_;
  Model result_;
  NameMaker names_;
  QdqWriter writer_;
  GraphIndex index_;  // of the prepared graph
  std::map<int, const WeightedOp*> weighted_;
  std::map<std::string, std::vector<const WeightedNode*>> readers_;  // of each weight
  std::map<std::string, std::string> pixels_;    // what Casts made of uint8 tensors -> those tensors, which are integers already
  std::map<std::string, std::string> read_as_;   // tensor -> what its readers read now
  std::map<std::string, std::string> integers_;  // tensor -> its integers
  std::map<std::string, std::string> made_as_;   // tensor -> what carries its float value, before it is quantized
  std::map<std::string, std::string> weights_;
  std::map<std::string, std::string> dequantized_;  // constants that quantized arithmetic reads as an operand
  int pairs_ = 0, biases_ = 0, constants_ = 0;
};

}  // namespace

Model rewrite(const Model& prepared, const Placement& placement, const Encodings& encodings, const RewriteOptions& options) {
  return Rewriter(prepared, placement, encodings, options).run();
}

std::string dequantized_name(const GraphIndex& rewritten, const std::string& name) {
  for (const auto& use : rewritten.uses(name)) {
    const auto& quantizer = rewritten.node(use.node);
    if (quantizer.op_type() != "QuantizeLinear" || use.input != 0) continue;
    for (const auto& reader : rewritten.uses(quantizer.output(0))) {
      if (rewritten.node(reader.node).op_type() == "DequantizeLinear") return rewritten.node(reader.node).output(0);
    }
  }
  return name;
}

}  // namespace quantize
