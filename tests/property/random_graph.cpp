#include "property/random_graph.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/tensor.h"

namespace quantize::test {
namespace {

struct Value {
  std::string name;
  std::int64_t channels, size;  // 1 x channels x size x size
  bool flat = false;            // 1 x channels
};

struct SharedWeight {
  std::string name;
  std::int64_t in, out, kernel;
};

class Builder {
 public:
  explicit Builder(std::uint32_t seed) : generator_(seed) {
    model_.proto.set_ir_version(8);
    auto& import = *model_.proto.add_opset_import();
    import.set_domain("");
    import.set_version(std::vector<int>{11, 13, 15, 17, 19}[below(5)]);
    graph().set_name("random");
    values_.push_back({"image", 3, 12});
    declare(*graph().add_input(), values_[0]);
    if (below(4) == 0) {
      values_.push_back({"second", 3, 12});
      declare(*graph().add_input(), values_[1]);
    }
  }

  Model build() {
    convolution(values_.back());
    const int steps = 3 + below(9);
    for (int i = 0; i < steps; ++i) step();
    convolution(last());
    if (below(3) == 0) head();
    outputs();
    return std::move(model_);
  }

 private:
  onnx::GraphProto& graph() { return model_.graph(); }
  int below(int count) { return static_cast<int>(generator_() % static_cast<std::uint32_t>(count)); }
  double normal() { return std::normal_distribution<double>()(generator_); }
  const Value& last() const { return values_.back(); }
  // Mostly the newest tensor, so that graphs get deep; sometimes any.
  Value pick() { return below(3) != 0 ? last() : values_[static_cast<std::size_t>(below(static_cast<int>(values_.size())))]; }

  static void declare(onnx::ValueInfoProto& info, const Value& value) {
    info.set_name(value.name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    for (const auto dimension : {std::int64_t{1}, value.channels, value.size, value.size}) {
      if (!value.flat || type.shape().dim_size() < 2) type.mutable_shape()->add_dim()->set_dim_value(dimension);
    }
  }

  std::string constant(const Shape& shape, double spread, double middle = 0) {
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    for (auto& value : values) value = static_cast<float>(middle + spread * normal());
    const std::string name = "c" + std::to_string(++constants_);
    *graph().add_initializer() = make_tensor(name, shape, values);
    return name;
  }

  std::string indices(const std::vector<std::int64_t>& values) {
    const std::string name = "i" + std::to_string(++constants_);
    *graph().add_initializer() = make_tensor(name, {static_cast<std::int64_t>(values.size())}, values);
    return name;
  }

  onnx::NodeProto& add(const std::string& type, const std::vector<std::string>& inputs, std::int64_t channels, std::int64_t size) {
    const std::string output = "t" + std::to_string(++tensors_);
    auto& node = *graph().add_node() = make_node(type, inputs, {&output, 1});
    if (below(5) != 0) node.set_name(type + std::to_string(tensors_));
    values_.push_back({output, channels, size});
    return node;
  }

  static void ints(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const auto value : values) attribute.add_ints(value);
  }

  // Weights of very different size in different channels now and then, and a channel of zeros.
  std::string weight(const Shape& shape, std::int64_t fan_in) {
    const std::string name = constant(shape, 1 / std::sqrt(static_cast<double>(fan_in)));
    if (below(3) != 0) return name;
    auto& tensor = *graph().mutable_initializer(graph().initializer_size() - 1);
    auto values = float_values(tensor);
    const std::size_t slice = values.size() / static_cast<std::size_t>(shape[0]);
    const float factor = below(3) == 0 ? 0.0F : below(2) == 0 ? 0.01F : 8.0F;
    for (std::size_t i = 0; i < slice; ++i) values[i] *= factor;
    tensor = make_tensor(name, shape, values);
    return name;
  }

  void convolution(const Value& input) {
    const std::int64_t kernel = below(2) == 0 ? 1 : 3, out = 2 + 2 * below(4);
    for (const auto& shared : shared_) {
      if (shared.in != input.channels || below(3) != 0) continue;
      auto& node = add("Conv", {input.name, shared.name}, shared.out, input.size);
      ints(node, "pads", std::vector<std::int64_t>(4, shared.kernel / 2));
      return;
    }
    const bool depthwise = below(5) == 0, halves = kernel == 3 && input.size >= 6 && input.size % 2 == 0 && below(4) == 0;
    const std::int64_t group = depthwise ? input.channels : input.channels % 2 == 0 && below(6) == 0 ? 2 : 1;
    const std::int64_t channels = depthwise ? input.channels : out;
    const std::int64_t fan_in = input.channels / group * kernel * kernel;
    std::vector<std::string> inputs{input.name, weight({channels, input.channels / group, kernel, kernel}, fan_in)};
    if (group == 1 && !halves) shared_.push_back({inputs[1], input.channels, channels, kernel});
    if (below(3) != 0) inputs.push_back(constant({channels}, 0.3));
    auto& node = add("Conv", inputs, channels, halves ? input.size / 2 : input.size);
    ints(node, "pads", std::vector<std::int64_t>(4, kernel / 2));
    if (group != 1) set_attribute(node, "group", group);
    if (halves) ints(node, "strides", {2, 2});
    if (below(3) == 0) batch_norm(last());
    if (below(2) == 0) activation(last());
  }

  void transposed(const Value& input) {
    if (input.size > 12) return convolution(input);
    const std::int64_t out = 2 + below(4);
    auto& node = add("ConvTranspose", {input.name, weight({input.channels, out, 2, 2}, input.channels)}, out, input.size * 2);
    ints(node, "strides", {2, 2});
  }

  void batch_norm(const Value& input) {
    add("BatchNormalization",
        {input.name, constant({input.channels}, 0.2, 1), constant({input.channels}, 0.2), constant({input.channels}, 0.2),
         constant({input.channels}, 0.05, 1)},
        input.channels, input.size);
  }

  void activation(const Value& input) {
    static const std::vector<std::string> types = {"Relu",      "Relu",        "Relu", "Sigmoid", "Tanh",
                                                   "LeakyRelu", "HardSigmoid", "Elu",  "Identity"};
    const int choice = below(static_cast<int>(types.size()) + 3);
    if (choice == static_cast<int>(types.size())) return hard_swish(input);
    if (choice < static_cast<int>(types.size())) {
      add(types[static_cast<std::size_t>(choice)], {input.name}, input.channels, input.size);
      return;
    }
    const float high = below(2) == 0 ? 6.0F : 1.0F, low = below(3) == 0 ? -0.5F : 0.0F;
    const std::string bounds[] = {"c" + std::to_string(++constants_), "c" + std::to_string(++constants_)};
    *graph().add_initializer() = make_tensor(bounds[0], {}, {&low, 1});
    *graph().add_initializer() = make_tensor(bounds[1], {}, {&high, 1});
    add("Clip", {input.name, bounds[0], bounds[1]}, input.channels, input.size);
  }

  // Written out: its opset does not know the operator.
  void hard_swish(Value input) {  // a copy: what is added may move the others
    auto& node = add("HardSigmoid", {input.name}, input.channels, input.size);
    set_attribute(node, "alpha", 1.0F / 6);
    const std::string gate = last().name;
    values_.pop_back();
    add("Mul", {input.name, gate}, input.channels, input.size);
  }

  // Another tensor of the same spatial size, brought to the same number of channels where needed.
  Value partner(const Value& value, bool same_channels) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      const auto& other = values_[static_cast<std::size_t>(below(static_cast<int>(values_.size())))];
      if (other.size == value.size && (!same_channels || other.channels == value.channels)) return other;
    }
    return value;
  }

  void pool(const Value& input) {
    if (input.size < 4 || input.size % 2 != 0) return activation(input);
    auto& node = add(below(2) == 0 ? "MaxPool" : "AveragePool", {input.name}, input.channels, input.size / 2);
    ints(node, "kernel_shape", {2, 2});
    ints(node, "strides", {2, 2});
  }

  void resize(const Value& input) {
    if (input.size > 12) return pool(input);
    const float scales[] = {1, 1, 2, 2};
    const std::string name = "c" + std::to_string(++constants_);
    *graph().add_initializer() = make_tensor(name, {4}, scales);
    const std::string none = constant({0}, 0);
    auto& node = add("Resize", {input.name, none, name}, input.channels, input.size * 2);
    set_attribute(node, "mode", std::string(below(2) == 0 ? "nearest" : "linear"));
    set_attribute(node, "coordinate_transformation_mode", std::string(below(2) == 0 ? "asymmetric" : "half_pixel"));
  }

  // Squeeze-and-excitation: every channel times a number between 0 and 1.
  void gate(const Value& input) {
    add("GlobalAveragePool", {input.name}, input.channels, 1);
    const Value pooled = last();
    add("Conv", {pooled.name, weight({input.channels, input.channels, 1, 1}, input.channels)}, input.channels, 1);
    add("Sigmoid", {last().name}, input.channels, 1);
    add("Mul", {input.name, last().name}, input.channels, input.size);
  }

  void slice(const Value& input) {
    if (input.channels < 4) return activation(input);
    add("Slice", {input.name, indices({1}), indices({input.channels}), indices({1})}, input.channels - 1, input.size);
  }

  void around(const Value& input) {  // there and back again: only moves data
    auto& there = add("Transpose", {input.name}, input.channels, input.size);
    ints(there, "perm", {0, 2, 3, 1});
    const std::string name = last().name;
    values_.pop_back();
    auto& back = add("Transpose", {name}, input.channels, input.size);
    ints(back, "perm", {0, 3, 1, 2});
  }

  void combine(const Value& input) {
    const int kind = below(4);
    if (kind == 0) {
      const Value other = partner(input, false);
      auto& node = add("Concat", {input.name, other.name}, input.channels + other.channels, input.size);
      set_attribute(node, "axis", std::int64_t{1});
    } else if (kind == 3) {
      add(below(2) == 0 ? "Mul" : "Add", {input.name, constant({1, input.channels, 1, 1}, 0.5, 1)}, input.channels, input.size);
    } else {
      add(kind == 1 ? "Add" : below(2) == 0 ? "Sub" : "Mul", {input.name, partner(input, true).name}, input.channels, input.size);
    }
  }

  void step() {
    const Value input = pick();
    switch (below(12)) {
      case 0:
        return activation(input);
      case 1:
      case 2:
      case 3:
        return combine(input);
      case 4:
        return pool(input);
      case 5:
        return resize(input);
      case 6:
        return input.size > 1 ? gate(input) : activation(input);
      case 7:
        return slice(input);
      case 8:
        return around(input);
      case 9:
        return transposed(input);
      default:
        return convolution(input);
    }
  }

  void head() {
    const Value input = last();
    add("GlobalAveragePool", {input.name}, input.channels, 1);
    add("Flatten", {last().name}, input.channels, 1);
    values_.back().flat = true;
    add("Gemm", {last().name, weight({input.channels, 5}, input.channels), constant({5}, 0.2)}, 5, 1);
    values_.back().flat = true;
    if (below(2) == 0) add("Softmax", {last().name}, 5, 1);
    values_.back().flat = true;
  }

  // The newest tensor, and sometimes inner ones that have readers too.
  void outputs() {
    std::vector<Value> chosen{last()};
    while (below(3) == 0 && chosen.size() < 3) {
      const auto& value = values_[static_cast<std::size_t>(below(static_cast<int>(values_.size())))];
      const bool new_one = std::none_of(chosen.begin(), chosen.end(), [&](const Value& other) { return other.name == value.name; });
      if (value.name.starts_with("t") && new_one) chosen.push_back(value);
    }
    for (const auto& value : chosen) declare(*graph().add_output(), value);
  }

  std::mt19937 generator_;
  Model model_;
  std::vector<Value> values_;
  std::vector<SharedWeight> shared_;
  int constants_ = 0, tensors_ = 0;
};

}  // namespace

Model random_graph(std::uint32_t seed) { return Builder(seed).build(); }

}  // namespace quantize::test
