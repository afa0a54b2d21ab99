// Which tensors of a prepared model are quantized, which share an encoding, and which nodes stay float and why. Depends on the target, not
// on data.
#pragma once

#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/model.h"
#include "ops/op_table.h"
#include "ops/target.h"

namespace quantize {

// Tensors that share one encoding. Values of `sources` cover those of every member; the others only receive moved values.
struct TensorGroup {
  std::vector<std::string> members;  // in execution order
  std::vector<std::string> sources;  // the members to observe
  // A range that the values cannot leave (Sigmoid's [0, 1], a Clip's bounds): exact when `range_is_exact`, else a limit for the observed
  // range.
  std::optional<std::pair<float, float>> range;
  bool range_is_exact = false;
  // What a Softmax in float makes: `range` is a limit. How much of [0, 1] its shares fill depends on how many they are, and what of it they
  // have reached they may exceed elsewhere.
  bool is_shares = false;
  bool is_graph_output = false;
  bool is_pixels = false;  // its one source is a Cast from uint8: the values are their own encoding, with scale 1
  // What its readers tell apart, where they all saturate: values beyond are not worth a step of the encoding.
  std::optional<std::pair<float, float>> distinct;
  double negative_weight = 1;  // of errors on negative values: the mean square of what all their readers (PRelu, ...) scale them by
  // A graph output, or read by a Sigmoid, HardSigmoid, Tanh or Softmax: what clipping does behind it is not known here.
  bool unclipped = false;

  [[nodiscard]] const std::string& name() const { return sources[0]; }  // what stays where other members are left float
};

struct WeightedNode {
  int node;  // number in the prepared graph
  WeightedOp op;
};

// What is decided for one node, for the report.
struct Decision {
  std::string node, op_type;  // the node's name, or its first output where it has none
  Role role = Role::floating;
  bool quantized = false;
  std::string reason;  // why it stays float
};

struct Placement {
  std::vector<TensorGroup> groups;
  std::vector<WeightedNode> weighted;  // in execution order
  std::vector<std::string> constants;  // float initializers that quantized arithmetic reads as an operand (Mul by a constant)
  std::vector<Decision> decisions;     // one per node, in execution order
  std::set<int> excluded;              // nodes left float by request, which the runtime is kept from running on integers all the same
  std::set<int> integer_products;      // 1x1 convolutions that only float operators read, see point_products.h
  std::set<int> integer_activations;   // PRelu and HardSwish between convolutions, see integer_activation.h
  bool split_prelu = false;            // a PRelu that stays float becomes Mul and Max, see split_prelu.h
  bool float_biases = false;           // no bias is quantized
  bool weight_zeros = false;           // weights are written with their zero points, which are zero
  bool weight_zero_points = false;     // 4-bit weights may have zero points other than 0
  bool shortens_products = false;      // see Target
  bool short_multipliers = false;      // weight scales keep to what multiplier.h allows
  bool drops_low_byte = false;         // biases that meet 16-bit activations keep to what multiplier.h says
  bool keep_wide_clamps = false;       // a Relu or Clip before a 16-bit encoding stays, though the encoding would saturate alike

  [[nodiscard]] std::vector<std::string> observed() const;  // sources of all groups whose range is not exact
};

// Nodes that must stay float. A pattern that matches nothing is an Error{usage}.
struct Exclusions {
  std::vector<std::string> nodes;  // names
  std::vector<std::string> op_types;
  std::vector<std::string> patterns;  // ECMAScript regular expressions, matched anywhere in the node's name
};

Placement place(const Model& model, const Target& target, const Exclusions& exclusions = {});

}  // namespace quantize
