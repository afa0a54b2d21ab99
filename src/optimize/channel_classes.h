// Which channels of which tensors may be scaled, and which only together: f(s x) = s f(x) must hold for every operator in between.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/graph.h"
#include "model/model.h"
#include "observe/statistics.h"
#include "ops/op_table.h"
#include "prepare/value_types.h"

namespace quantize {

// Every (tensor, channel) that can be scaled, joined into classes that share a factor. Channels that meet an operator not known here, a
// graph input or a graph output keep the factor 1. What InstanceNormalization reads is scaled as it likes: it takes every scaling back.
class ChannelClasses {
 public:
  // room_below_clips: how much louder than seen a channel may be elsewhere before a Clip cuts it that does not in the model; infinite: what
  // a Clip reads is not scaled.
  ChannelClasses(const Model& model, const Statistics& statistics, double room_below_clips);

  // The convolutions that carry the factors: those that stay float as well, since in float scaling costs nothing.
  [[nodiscard]] const std::map<int, WeightedOp>& convolutions() const { return convolutions_; }

  // Factors of the channels of `tensor`: (largest ratio of the channel's range to its tensor's, over the class, times the room where a Clip
  // reads it)^strength; empty where the tensor is not scaled.
  std::vector<double> factors(const std::string& tensor, double strength);

 private:
  // One tensor whose channels are those of another, moved: channel c of `to` is channel source[c] of `from`.
  struct ChannelMap {
    std::string from, to;
    std::vector<int> source;
  };

  void count_channels();
  [[nodiscard]] bool knows_inputs(const onnx::NodeProto& node) const;
  [[nodiscard]] int input_channels(const onnx::NodeProto& node, const WeightedOp& op) const;
  void set_channels(const std::string& tensor, int count);
  void find_shuffle(int reshape);
  void find_split(const onnx::NodeProto& node, int number);
  [[nodiscard]] bool keeps_channels(const onnx::NodeProto& node) const;
  [[nodiscard]] bool resizes_channels(const onnx::NodeProto& node) const;
  [[nodiscard]] bool is_scalable_clip(const onnx::NodeProto& node) const;
  [[nodiscard]] bool is_plain_add(const onnx::NodeProto& node) const;
  [[nodiscard]] bool may_align(const std::string& a, const std::string& b) const;
  [[nodiscard]] int gated_input(const onnx::NodeProto& node) const;
  void connect(int number);
  [[nodiscard]] bool can_scale(const WeightedOp& op) const;
  int root(int id);
  void unite(const std::string& a, int from_a, const std::string& b, int from_b);
  void unite_channels(int x, int y);
  void freeze(const std::string& tensor);
  void freeze_near_epsilon(const onnx::NodeProto& normalization);
  void measure();

  const onnx::GraphProto& graph_;
  GraphIndex index_;
  const ValueTypes types_;
  const Statistics& statistics_;
  const double room_below_clips_;
  std::map<int, WeightedOp> convolutions_;       // by node
  std::map<std::string, int> channels_, first_;  // by tensor: how many, and the number of channel 0
  std::vector<ChannelMap> maps_;
  std::set<int> mapped_;  // nodes that `maps_` speaks for
  std::vector<int> parents_, to_freeze_;
  std::vector<double> ratios_;
  std::set<int> frozen_, clipped_;  // by root; those that a Clip reads
};

}  // namespace quantize
