#include <algorithm>
#include <cmath>
#include <optional>

#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "prepare/passes.h"
#include "prepare/pixel_input.h"
#include "prepare/pixel_path.h"

namespace quantize {
namespace {

// q = x / scale + zero, rounded, is the pixel.
struct PixelGrid {
  std::vector<float> scale, shift;  // x + shift lies where the integer zero point is exact
  std::vector<std::int32_t> zero;
  bool shifted = false;

  explicit PixelGrid(const Normalisation& normalisation) {
    constexpr double near_a_tie = 0.02;  // zero points that end so near to 1/2 would leave the rounding to chance
    for (std::size_t c = 0; c < normalisation.factor.size(); ++c) {
      const double factor = normalisation.factor[c], exact = -normalisation.summand[c] / factor, rounded = std::nearbyint(exact);
      scale.push_back(normalisation.factor[c]);
      zero.push_back(static_cast<std::int32_t>(std::clamp(rounded, -1.0, 256.0)));
      shift.push_back(static_cast<float>((exact - rounded) * factor));
      shifted |= std::fabs(std::fabs(exact - rounded) - 0.5) < near_a_tie;
    }
  }

  // One scale and zero point are enough: a QuantizeLinear per channel takes ONNX Runtime 30 times as long where the channels come last.
  [[nodiscard]] bool is_alike() const {
    return std::ranges::all_of(scale, [&](float s) { return s == scale[0]; }) &&
           std::ranges::all_of(zero, [&](std::int32_t z) { return z == zero[0]; });
  }

  [[nodiscard]] bool is_usable() const {
    return std::ranges::all_of(scale, [](float s) { return s > 0 && std::isfinite(s); }) &&
           std::ranges::all_of(zero, [](std::int32_t z) { return z >= 0 && z <= 255; });
  }
};

// The nodes between the picture and the convolution, each made of the one before it.
class Chain {
 public:
  Chain(onnx::GraphProto& graph, std::string from) : graph_(graph), names_(graph), from_(std::move(from)), last_(from_) {}

  onnx::NodeProto& add(const std::string& type, const std::vector<onnx::TensorProto>& constants, const std::string& ending) {
    std::vector<std::string> inputs = {last_};
    for (const auto& constant : constants) {
      inputs.push_back(names_.unique(from_ + constant.name()));
      auto& added = *graph_.add_initializer();
      added = constant;
      added.set_name(inputs.back());
    }
    last_ = names_.unique(from_ + ending);
    nodes_.push_back(make_node(type, inputs, {&last_, 1}));
    nodes_.back().set_name(last_);
    return nodes_.back();
  }

  void insert_before(int reader) {
    graph_.mutable_node(reader)->set_input(0, last_);
    insert_nodes(graph_, {{reader, nodes_}});
  }

 private:
  onnx::GraphProto& graph_;
  NameMaker names_;
  std::string from_, last_;
  std::vector<onnx::NodeProto> nodes_;
};

void add_rounding(Chain& chain, const PixelGrid& grid) {
  const auto channels = std::ssize(grid.scale);
  if (grid.shifted) chain.add("Add", {make_tensor("_shift", {channels, 1, 1}, grid.shift)}, "_shifted");
  const bool alike = grid.is_alike();
  const auto count = alike ? 1U : grid.scale.size();
  const Shape shape = alike ? Shape{} : Shape{channels};
  auto& quantizer = chain.add("QuantizeLinear",
                              {make_tensor("_scale", shape, std::span(grid.scale).first(count)),
                               make_tensor("_zero", shape, onnx::TensorProto::UINT8, std::span(grid.zero).first(count))},
                              "_pixels");
  if (!alike) set_attribute(quantizer, "axis", std::int64_t{1});
}

void add_arithmetic(Chain& chain, const ChannelAffine& map) {
  const Shape per_channel = {std::ssize(map.scale), 1, 1};
  const auto floats = [](const std::vector<double>& values) { return std::vector<float>(values.begin(), values.end()); };
  set_attribute(chain.add("Cast", {}, "_values"), "to", std::int64_t{onnx::TensorProto::FLOAT});
  chain.add("Mul", {make_tensor("_factor", per_channel, floats(map.scale))}, "_scaled");
  chain.add("Add", {make_tensor("_summand", per_channel, floats(map.shift))}, "_normalised");
}

}  // namespace

std::optional<PixelRounding> round_to_pixels(const Model& model, const Preprocess& preprocess, const IsKept& is_kept) {
  const auto inputs = fed_inputs(model.graph());
  if (inputs.size() != 1) return std::nullopt;
  const std::string& picture = inputs[0]->name();
  const auto path = pixel_path(picture, GraphIndex(model.graph()), ValueTypes(model.proto), is_kept);
  if (!path || !fits(preprocess, path->map.scale.size())) return std::nullopt;
  const Normalisation outside(preprocess, path->map.scale.size());
  const PixelGrid grid(outside);
  if (!grid.is_usable()) return std::nullopt;

  PixelRounding result{model, model.graph().node(path->conv).output(0)};
  auto& graph = result.model.graph();
  std::string planes = picture;
  if (path->transpose >= 0) {
    auto& transpose = *graph.mutable_node(path->transpose);
    transpose.set_input(0, picture);
    planes = transpose.output(0);
  }
  const ChannelAffine normalised{{outside.factor.begin(), outside.factor.end()}, {outside.summand.begin(), outside.summand.end()}};
  Chain chain(graph, planes);
  add_rounding(chain, grid);
  add_arithmetic(chain, composed(normalised, path->map));
  chain.insert_before(path->conv);
  if (fold_pixel_input(result.model).empty()) return std::nullopt;
  return result;
}

}  // namespace quantize
