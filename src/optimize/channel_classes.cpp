#include "optimize/channel_classes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/attribute.h"
#include "model/tensor.h"
#include "ops/channel_shuffle.h"

namespace quantize {
namespace {

// Of a channel's range to its tensor's: weights must not be driven apart without limit, and a channel that is quiet in the few samples seen
// is louder in others (at 1/256 a salient-object network came out 2 to 3 dB worse than without).
constexpr double smallest_ratio = 1.0 / 32;

bool is_convolution(const onnx::NodeProto& node) { return node.op_type() == "Conv" || node.op_type() == "ConvTranspose"; }

bool is_channel_concat(const onnx::NodeProto& node) {
  return node.op_type() == "Concat" && standard_domain(node) && int_attribute(node, "axis", 0) == 1;
}

double reach(float min, float max) { return std::max(std::fabs(static_cast<double>(min)), std::fabs(static_cast<double>(max))); }

}  // namespace

ChannelClasses::ChannelClasses(const Model& model, const Statistics& statistics, double room_below_clips)
    : graph_(model.graph()), index_(graph_), types_(model.proto), statistics_(statistics), room_below_clips_(room_below_clips) {
  for (int i = 0; i < graph_.node_size(); ++i) {
    if (!is_convolution(graph_.node(i))) continue;
    if (auto op = weighted_op(graph_.node(i), index_)) convolutions_.emplace(i, std::move(*op));
  }
  count_channels();
  for (int i = 0; i < graph_.node_size(); ++i) connect(i);
  for (const auto& map : maps_) {
    for (std::size_t c = 0; c < map.source.size(); ++c) {
      unite_channels(first_.at(map.from) + map.source[c], first_.at(map.to) + static_cast<int>(c));
    }
  }
  for (const auto* input : fed_inputs(graph_)) freeze(input->name());
  for (const auto& output : graph_.output()) freeze(output.name());
}

std::vector<double> ChannelClasses::factors(const std::string& tensor, double strength) {
  if (ratios_.empty()) measure();
  const auto found = first_.find(tensor);
  if (found == first_.end()) return {};
  std::vector<double> result(static_cast<std::size_t>(channels_.at(tensor)), 1.0);
  for (std::size_t c = 0; c < result.size(); ++c) {
    const int root_id = root(found->second + static_cast<int>(c));
    const double room = clipped_.contains(root_id) ? room_below_clips_ : 1;
    const double ratio = std::min(1.0, room * ratios_[static_cast<std::size_t>(root_id)]);
    if (!frozen_.contains(root_id) && ratio > 0) result[c] = std::pow(std::max(ratio, smallest_ratio), strength);
  }
  return result;
}

// Channels of each tensor, followed from operator to operator; tensors of unknown channel count take no part.
void ChannelClasses::count_channels() {
  for (int i = 0; i < graph_.node_size(); ++i) {
    const auto& node = graph_.node(i);
    if (const auto found = convolutions_.find(i); found != convolutions_.end()) {
      const auto& op = found->second;
      const int read = input_channels(node, op);
      set_channels(op.output, op.outputs);
      set_channels(op.input, read);
      if (channels_.at(op.input) != read) freeze(op.input);  // something on the way is not what it was taken for
    } else if (node.op_type() == "Reshape") {
      find_shuffle(i);
    } else if (node.op_type() == "Split") {
      find_split(node, i);
    } else if (const int gated = gated_input(node); gated >= 0) {
      set_channels(node.output(0), channels_.at(node.input(gated)));
    } else if (keeps_channels(node) || is_plain_add(node)) {
      if (channels_.contains(node.input(0))) set_channels(node.output(0), channels_.at(node.input(0)));
    } else if (is_channel_concat(node)) {
      if (!knows_inputs(node)) continue;
      const int sum =
          std::accumulate(node.input().begin(), node.input().end(), 0, [&](int all, const auto& name) { return all + channels_.at(name); });
      set_channels(node.output(0), sum);
    }
  }
}

bool ChannelClasses::knows_inputs(const onnx::NodeProto& node) const {
  return std::ranges::all_of(node.input(), [&](const auto& name) { return channels_.contains(name); });
}

int ChannelClasses::input_channels(const onnx::NodeProto& node, const WeightedOp& op) const {
  const auto shape = shape_of(*index_.initializer(op.weight));
  return static_cast<int>(node.op_type() == "Conv" ? shape[1] * op.groups : shape[0]);
}

void ChannelClasses::set_channels(const std::string& tensor, int count) {
  if (!channels_.try_emplace(tensor, count).second) return;
  first_[tensor] = static_cast<int>(parents_.size());
  for (int c = 0; c < count; ++c) parents_.push_back(static_cast<int>(parents_.size()));
}

void ChannelClasses::find_shuffle(int reshape) {
  const auto shuffle = channel_shuffle(reshape, index_);
  if (!shuffle || !channels_.contains(shuffle->from) || channels_.at(shuffle->from) != shuffle->channels()) return;
  ChannelMap map{shuffle->from, shuffle->to, {}};
  for (int c = 0; c < shuffle->channels(); ++c) map.source.push_back(shuffle->source(c));
  set_channels(map.to, shuffle->channels());
  maps_.push_back(std::move(map));
  mapped_.insert(shuffle->nodes.begin(), shuffle->nodes.end());
}

void ChannelClasses::find_split(const onnx::NodeProto& node, int number) {
  const auto found = channels_.find(node.input(0));
  if (!standard_domain(node) || found == channels_.end() || int_attribute(node, "axis", 0) != 1) return;
  auto sizes = ints_attribute(node, "split");
  const bool given = node.input_size() > 1 && !node.input(1).empty();
  if (given && index_.constant(node.input(1)) == nullptr) return;
  if (given) sizes = int_values(*index_.constant(node.input(1)));
  if (sizes.empty() && found->second % node.output_size() == 0) sizes.assign(node.output_size(), found->second / node.output_size());
  if (static_cast<int>(sizes.size()) != node.output_size() || std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != found->second)
    return;
  int offset = 0;
  for (int k = 0; k < node.output_size(); ++k) {
    ChannelMap map{node.input(0), node.output(k), std::vector<int>(static_cast<std::size_t>(sizes[k]))};
    std::iota(map.source.begin(), map.source.end(), offset);
    offset += static_cast<int>(sizes[k]);
    set_channels(map.to, static_cast<int>(sizes[k]));
    maps_.push_back(std::move(map));
  }
  mapped_.insert(number);
}

// f(s x) = s f(x) per channel for every s > 0, channels staying where they are.
bool ChannelClasses::keeps_channels(const onnx::NodeProto& node) const {
  static const std::set<std::string> types = {"Relu",          "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool",
                                              "GlobalMaxPool", "Identity",  "Dropout"};
  if (!standard_domain(node)) return false;
  if (types.contains(node.op_type())) return true;
  if (node.op_type() == "Resize") return !resizes_channels(node);
  if (node.op_type() == "PRelu") return index_.constant(node.input(1)) != nullptr;  // a slope acts on either side of zero alone
  return is_scalable_clip(node);
}

// Whether a Resize may mix channels, or bring in values of its own. It does not where the scale of axis 1 is 1 or its size is what it was.
// Sizes that are computed, because height and width are free, tell by the shape that follows from them.
bool ChannelClasses::resizes_channels(const onnx::NodeProto& node) const {
  if (string_attribute(node, "coordinate_transformation_mode", "") == "tf_crop_and_resize") return true;  // it fills in a constant
  const auto axes = ints_attribute(node, "axes");
  if (!axes.empty()) return std::ranges::any_of(axes, [](std::int64_t axis) { return axis < 2; });  // counted from the back it may be any
  const auto is_given = [&](int input) { return node.input_size() > input && !node.input(input).empty(); };
  const auto* scales = is_given(2) ? index_.constant(node.input(2)) : nullptr;
  const auto factors = scales != nullptr ? float_values(*scales) : std::vector<float>();  // beside sizes it may be empty
  if (factors.size() > 1) return factors[1] != 1;
  if ((is_given(2) && scales == nullptr) || string_attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch") return true;
  const auto& made = types_.of(node.output(0)).shape;
  const auto read = channels_.find(node.input(0));
  return !is_given(3) || read == channels_.end() || !made || made->size() < 2 || (*made)[1] != read->second;
}

// Clip from 0 to b. No channel outgrows its tensor's largest value, which is at most b; so a channel that never reached b is not clipped
// once it is scaled either, and one that did has the factor 1; for what other pictures hold there is some room. For that the tensor must
// have been observed.
bool ChannelClasses::is_scalable_clip(const onnx::NodeProto& node) const {
  if (node.op_type() != "Clip") return false;
  const auto bounds = clamp_bounds(node, index_);
  return bounds && bounds->first == 0 && bounds->second > 0 && statistics_.contains(node.output(0));
}

bool ChannelClasses::is_plain_add(const onnx::NodeProto& node) const {
  if (node.op_type() != "Add" || !standard_domain(node)) return false;
  if (index_.constant(node.input(0)) != nullptr || index_.constant(node.input(1)) != nullptr) return false;
  const auto a = channels_.find(node.input(0)), b = channels_.find(node.input(1));
  return a != channels_.end() && b != channels_.end() && a->second == b->second && may_align(a->first, b->first);
}

// Axis 1 of a tensor with fewer axes meets another one.
bool ChannelClasses::may_align(const std::string& a, const std::string& b) const {
  const int of_a = types_.rank(a), of_b = types_.rank(b);
  return of_a < 0 || of_b < 0 || of_a == of_b;
}

// The factor of a Mul that takes its channels' scaling through it: the other one is a gate, which keeps its values. -1 where there is none.
// The product must have been observed: only so it is known that its channels are those of the factor, and not the gate's.
int ChannelClasses::gated_input(const onnx::NodeProto& node) const {
  if (node.op_type() != "Mul" || !standard_domain(node)) return -1;
  const auto product = statistics_.find(node.output(0));
  for (int k = 0; k < 2 && product != statistics_.end(); ++k) {
    const auto* gate = index_.producer(node.input(1 - k));
    const auto count = channels_.find(node.input(k));
    const bool same = count != channels_.end() && product->second.channels.size() == static_cast<std::size_t>(count->second) &&
                      may_align(count->first, node.output(0));
    if (same && gate != nullptr && fixed_range(*gate)) return k;
  }
  return -1;
}

void ChannelClasses::connect(int number) {
  if (mapped_.contains(number)) return;
  const auto& node = graph_.node(number);
  if (const auto found = convolutions_.find(number); found != convolutions_.end() && can_scale(found->second)) return;
  if (keeps_channels(node) && node.output_size() == 1) return unite(node.input(0), 0, node.output(0), 0);
  if (is_plain_add(node)) {
    unite(node.input(0), 0, node.output(0), 0);
    return unite(node.input(1), 0, node.output(0), 0);
  }
  if (const int gated = gated_input(node); gated >= 0) {
    unite(node.input(gated), 0, node.output(0), 0);
    return freeze(node.input(1 - gated));
  }
  if (is_channel_concat(node) && knows_inputs(node)) {
    int offset = 0;
    for (const auto& name : node.input()) {
      unite(name, 0, node.output(0), offset);
      offset += channels_.at(name);
    }
    return;
  }
  const bool normalises = node.op_type() == "InstanceNormalization" && standard_domain(node);
  if (normalises) freeze_near_epsilon(node);
  for (int k = normalises ? 1 : 0; k < node.input_size(); ++k) freeze(node.input(k));
  for (const auto& name : captured_tensors(node)) freeze(name);
  for (const auto& name : node.output()) freeze(name);
}

// It divides every channel by its own deviation, and what it makes does not depend on how its input is scaled: as long as the variance,
// guessed from the range, is above the epsilon that is added to it. Where it is not far above, rounding such quiet channels at the scale of
// loud ones costs more still, and the step's judge sees both.
void ChannelClasses::freeze_near_epsilon(const onnx::NodeProto& normalization) {
  const auto& input = normalization.input(0);
  const auto found = first_.find(input), end = first_.end();
  const auto seen = statistics_.find(input);
  if (found == end) return;
  const auto count = static_cast<std::size_t>(channels_.at(input));
  if (seen == statistics_.end() || seen->second.channels.size() != count) return freeze(input);
  const double epsilon = float_attribute(normalization, "epsilon", 1e-5F);
  for (std::size_t c = 0; c < count; ++c) {
    const auto& channel = seen->second.channels[c];
    const double deviation = (static_cast<double>(channel.max) - channel.min) / 6;
    if (!(deviation * deviation >= 4 * epsilon)) to_freeze_.push_back(found->second + static_cast<int>(c));
  }
}

// Weight and bias must be this operator's own.
bool ChannelClasses::can_scale(const WeightedOp& op) const {
  if (index_.uses(op.weight).size() > 1 || index_.is_graph_output(op.weight)) return false;
  return op.bias.empty() ||
         (index_.initializer(op.bias) != nullptr && index_.uses(op.bias).size() == 1 && !index_.is_graph_output(op.bias));
}

int ChannelClasses::root(int id) {
  while (parents_[static_cast<std::size_t>(id)] != id) {
    auto& parent = parents_[static_cast<std::size_t>(id)];
    parent = parents_[static_cast<std::size_t>(parent)];
    id = parent;
  }
  return id;
}

void ChannelClasses::unite_channels(int x, int y) {
  const int a = root(x), b = root(y);
  if (a != b) parents_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
}

// Channels 0.. of a, from `from_a` on, with those of b from `from_b` on; as many as the shorter side has.
void ChannelClasses::unite(const std::string& a, int from_a, const std::string& b, int from_b) {
  if (!channels_.contains(a) || !channels_.contains(b)) {
    freeze(a);
    freeze(b);
    return;
  }
  const int count = std::min(channels_.at(a) - from_a, channels_.at(b) - from_b);
  for (int c = 0; c < count; ++c) unite_channels(first_[a] + from_a + c, first_[b] + from_b + c);
}

void ChannelClasses::freeze(const std::string& tensor) {
  const auto found = first_.find(tensor);
  if (found == first_.end()) return;
  for (int c = 0; c < channels_.at(tensor); ++c) to_freeze_.push_back(found->second + c);
}

// Largest ratio of each class over the tensors it occurs in: no channel may outgrow its tensor.
void ChannelClasses::measure() {
  ratios_.assign(parents_.size(), 0.0);
  for (const auto& [tensor, first] : first_) {
    const auto found = statistics_.find(tensor);
    if (found == statistics_.end() || found->second.channels.size() != static_cast<std::size_t>(channels_.at(tensor))) continue;
    const double whole = reach(found->second.min, found->second.max);
    for (std::size_t c = 0; c < found->second.channels.size() && whole > 0; ++c) {
      auto& ratio = ratios_[static_cast<std::size_t>(root(first + static_cast<int>(c)))];
      ratio = std::max(ratio, reach(found->second.channels[c].min, found->second.channels[c].max) / whole);
    }
  }
  for (const int id : to_freeze_) frozen_.insert(root(id));
  for (const auto& node : graph_.node()) {
    const auto found = is_scalable_clip(node) ? first_.find(node.output(0)) : first_.end();
    for (int c = 0; found != first_.end() && c < channels_.at(found->first); ++c) clipped_.insert(root(found->second + c));
  }
}

}  // namespace quantize
