// What operators do to a map per channel that is to be moved through them, for passes that move one back to where weights can take it.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/graph.h"
#include "prepare/value_types.h"

namespace quantize {

// A tensor and an operand with one constant value for each of its channels (axis 1).
struct ChannelOperand {
  int tensor = 0;              // which of the node's inputs is the tensor; the other is the constant
  std::vector<double> values;  // one per channel
};

class ChannelWalk {
 public:
  ChannelWalk(const GraphIndex& index, const ValueTypes& types) : index_(index), types_(types) {}

  // How many channels a tensor of known shape has; -1 where it is not known or has no axes behind them.
  [[nodiscard]] std::int64_t channels(const std::string& tensor) const;
  [[nodiscard]] int rank(const std::string& tensor) const { return types_.rank(tensor); }
  // The constant operand of a Mul or Add (`type`); nothing for other nodes, and where it varies within a channel.
  [[nodiscard]] std::optional<ChannelOperand> operand(const onnx::NodeProto& node, const std::string& type) const;
  // A Concat of channels.
  [[nodiscard]] bool joins_channels(const onnx::NodeProto& node) const;
  // A sum whose operand number `operand` has the axes and the channels of the sum: a summand per channel of the sum is one of that operand,
  // and a factor is one of both where both are such. So it is whatever the other dimensions are, also where an operand is repeated along
  // them: all values that it is repeated into belong to one channel.
  [[nodiscard]] bool adds_channels(const onnx::NodeProto& node, int operand) const;
  // f(s x) = s f(x) for s > 0 per channel: Relu, PRelu, pooling, Resize.
  [[nodiscard]] bool keeps_factors(const onnx::NodeProto& node) const;
  // f(x + b) = f(x) + b per channel: Resize between values, pooling that sees no padding.
  [[nodiscard]] bool keeps_summands(const onnx::NodeProto& node) const;
  // visit(part, values of its channels) for each input of a Concat of channels; false where one returns false, or the channels are not
  // known to be as many as the values.
  template <typename Visit>
  [[nodiscard]] bool each_part(const onnx::NodeProto& concat, const std::vector<double>& values, Visit visit) const {
    auto rest = values.begin();
    for (const auto& part : concat.input()) {
      const auto count = channels(part);
      if (count < 1 || count > values.end() - rest || !visit(part, std::vector<double>(rest, rest + count))) return false;
      rest += count;
    }
    return rest == values.end();
  }

 private:
  const GraphIndex& index_;
  const ValueTypes& types_;
};

// Whether the node asks for a tensor's shape and reads none of its values: sizes of a Resize, where they are free.
bool reads_shape_only(const onnx::NodeProto& node);

// Whether an operator of these types has a constant operand at all, which is known without the shapes.
bool has_constant_operand(const onnx::GraphProto& graph, const std::set<std::string>& types);

}  // namespace quantize
