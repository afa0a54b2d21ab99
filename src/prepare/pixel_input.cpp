#include "prepare/pixel_input.h"

#include <algorithm>

#include "base/error.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/pixel_path.h"

namespace quantize {
namespace {

constexpr const char* option = "--input-dtype uint8";

class PixelInput {
 public:
  PixelInput(Model& model, const Preprocess& preprocess, Layout layout) : graph_(model.graph()), names_(graph_) {
    const auto inputs = fed_inputs(graph_);
    if (inputs.size() != 1) throw Error(ErrorKind::usage, std::string(option) + " is for models with one input; this one has several");
    for (auto& value : *graph_.mutable_input()) {
      if (value.name() == inputs[0]->name()) input_ = &value;
    }
    auto& type = *input_->mutable_type()->mutable_tensor_type();
    const int rank = type.shape().dim_size();
    if (type.elem_type() != onnx::TensorProto::FLOAT || (rank != 3 && rank != 4)) {
      throw Error(ErrorKind::usage, std::string(option) + " needs a model whose input is a float picture of 3 or 4 dimensions");
    }
    const Shape shape = shape_of(type.shape());
    last_ = channels_last(shape, preprocess.layout);
    const std::int64_t fixed = shape[last_ ? shape.size() - 1 : shape.size() - 3];
    channels_ = fixed > 0 ? static_cast<std::size_t>(fixed) : preprocess.color == ColorOrder::gray ? 1U : 3U;
    type.set_elem_type(onnx::TensorProto::UINT8);
    has_batch_ = rank == 4;
    from_camera_ = layout == Layout::nhwc && !last_;
  }

  void run(const Preprocess& preprocess) {
    const Normalisation normalisation(preprocess, channels_);
    const std::string name = input_->name();
    const std::string target = model_transposes() ? move_transpose() : take_over_readers();
    std::string pixels = model_transpose_output_.empty() ? name : model_transpose_output_;
    if (from_camera_) pixels = transpose_camera(pixels);
    const std::string values = names_.unique(name + "_values");
    add("Cast", {pixels}, values);
    set_attribute(nodes_.back(), "to", std::int64_t{onnx::TensorProto::FLOAT});
    normalise(values, target, normalisation);
    for (const auto& node : graph_.node()) nodes_.push_back(node);
    set_nodes(graph_, std::move(nodes_));
  }

 private:
  // A model with its channels last often turns them to the front first; the arithmetic then goes behind that, beside the convolution.
  bool model_transposes() {
    if (!last_ || !has_batch_) return false;
    const GraphIndex index(graph_);
    const auto& uses = index.uses(input_->name());
    if (uses.size() != 1 || uses[0].input != 0) return false;
    const auto& node = index.node(uses[0].node);
    transpose_ = uses[0].node;
    return turns_channels_to_the_front(node) && !index.is_graph_output(node.output(0));
  }

  // Puts the model's own Transpose, now of pixels, in front; returns what it made before, which is yet to be made.
  std::string move_transpose() {
    onnx::NodeProto node = graph_.node(transpose_);
    remove_nodes(graph_, {transpose_});
    const std::string made = node.output(0);
    model_transpose_output_ = names_.unique(input_->name() + "_planes");
    node.set_output(0, model_transpose_output_);
    nodes_.push_back(std::move(node));
    last_ = false;
    return made;
  }

  // Who read the input reads a new tensor instead; returns its name.
  std::string take_over_readers() {
    const std::string made = names_.unique(input_->name() + "_normalised");
    replace_uses(graph_, input_->name(), made);
    return made;
  }

  std::string transpose_camera(const std::string& pixels) {
    auto& dims = *input_->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim();
    const int first = has_batch_ ? 1 : 0;
    dims.SwapElements(first, first + 1);
    dims.SwapElements(first + 1, first + 2);
    const std::string planes = names_.unique(pixels + "_planes");
    add("Transpose", {pixels}, planes);
    auto& perm = *nodes_.back().add_attribute();
    perm.set_name("perm");
    perm.set_type(onnx::AttributeProto::INTS);
    if (has_batch_) perm.add_ints(0);
    for (const int axis : {2, 0, 1}) perm.add_ints(first + axis);
    return planes;
  }

  void normalise(const std::string& values, const std::string& target, const Normalisation& normalisation) {
    const auto channels = static_cast<std::int64_t>(channels_);
    if (!last_ && has_batch_) {
      const std::string factor = constant("_factor", {channels}, normalisation.factor),
                        summand = constant("_summand", {channels}, normalisation.summand),
                        mean = constant("_mean", {channels}, std::vector<float>(channels_, 0.0F)),
                        variance = constant("_variance", {channels}, std::vector<float>(channels_, 1.0F));
      add("BatchNormalization", {values, factor, summand, mean, variance}, target);
      set_attribute(nodes_.back(), "epsilon", 0.0F);
      return;
    }
    const Shape shape = last_ ? Shape{channels} : Shape{channels, 1, 1};
    const std::string factor = constant("_factor", shape, normalisation.factor),
                      summand = constant("_summand", shape, normalisation.summand), scaled = names_.unique(input_->name() + "_scaled");
    add("Mul", {values, factor}, scaled);
    add("Add", {scaled, summand}, target);
  }

  std::string constant(const std::string& ending, const Shape& shape, const std::vector<float>& values) {
    const std::string name = names_.unique(input_->name() + ending);
    *graph_.add_initializer() = make_tensor(name, shape, values);
    return name;
  }

  void add(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
    nodes_.push_back(make_node(type, inputs, {&output, 1}));
    nodes_.back().set_name(names_.unique(output));
  }

  onnx::GraphProto& graph_;
  NameMaker names_;
  onnx::ValueInfoProto* input_ = nullptr;
  bool last_ = false, has_batch_ = true, from_camera_ = false;
  std::size_t channels_ = 3;
  int transpose_ = -1;
  std::string model_transpose_output_;
  std::vector<onnx::NodeProto> nodes_;
};

}  // namespace

bool fits(const Preprocess& preprocess, std::size_t channels) {
  const auto has = [&](const std::vector<float>& values) { return values.size() == 1 || values.size() == channels; };
  return has(preprocess.mean) && has(preprocess.std);
}

Normalisation::Normalisation(const Preprocess& preprocess, std::size_t channels) {
  const auto of = [](const std::vector<float>& values, std::size_t c) { return static_cast<double>(values[values.size() == 1 ? 0 : c]); };
  if (!fits(preprocess, channels))
    throw Error(ErrorKind::usage, "mean and std need one value, or one per channel (" + std::to_string(channels) + ")");
  for (std::size_t c = 0; c < channels; ++c) {
    factor.push_back(static_cast<float>(static_cast<double>(preprocess.scale) / of(preprocess.std, c)));
    summand.push_back(static_cast<float>(-of(preprocess.mean, c) / of(preprocess.std, c)));
  }
}

void take_pixels(Model& model, const Preprocess& preprocess, Layout layout) { PixelInput(model, preprocess, layout).run(preprocess); }

Preprocess pixels_of(Preprocess preprocess) {
  preprocess.scale = 1;
  preprocess.mean = {0.0F};
  preprocess.std = {1.0F};
  return preprocess;
}

}  // namespace quantize
