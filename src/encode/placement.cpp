#include "encode/placement.h"

#include <algorithm>
#include <functional>
#include <set>

#include "encode/divisors.h"
#include "encode/exclusions.h"
#include "encode/float_reason.h"
#include "encode/group_tensors.h"
#include "encode/integer_activation.h"
#include "encode/known_tensors.h"
#include "encode/masks.h"
#include "model/attribute.h"
#include "model/tensor.h"

namespace quantize {
namespace {

bool is_product(const onnx::NodeProto& node) { return standard_domain(node) && (node.op_type() == "MatMul" || node.op_type() == "Gemm"); }

// An Add or Concat: with float operators behind it, it would only round once more.
bool joins_tensors(const onnx::NodeProto& node) { return node.op_type() == "Add" || node.op_type() == "Concat"; }

class Placer {
 public:
  Placer(const Model& model, const Target& target, const Exclusions& exclusions)
      : graph_(model.graph()),
        index_(graph_),
        target_(target),
        excluded_(excluded_nodes(graph_, exclusions)),
        masked_(masked_nodes(index_)),
        divisors_(divisor_nodes(index_)),
        known_(known_tensors(model)) {
    if (target.symmetric_activations) known_.bytes.clear();  // what unsigned bytes hold is no encoding there
  }

  Placement run() {
    placement_.float_biases = target_.float_biases;
    placement_.weight_zeros = target_.explicit_weight_zeros;
    placement_.weight_zero_points = target_.weight_zero_points;
    placement_.shortens_products = target_.shortens_products;
    placement_.short_multipliers = target_.short_multipliers;
    placement_.drops_low_byte = target_.drops_low_byte;
    placement_.keep_wide_clamps = target_.drops_wide_pairs;
    assign_roles();
    find_leaving();
    find_products([&](int reader) { return is_between_integers(reader); });
    do {
      quantize_tensors();
    } while (find_products([&](int reader) { return placement_.integer_activations.contains(reader); }));
    placement_.groups = group_tensors(index_, target_, {roles_, active_, quantized_, placement_.integer_activations, known_.bytes});
    placement_.constants.assign(constants_.begin(), constants_.end());
    find_pixel_nodes();
    placement_.split_prelu = target_.split_prelu;
    placement_.excluded = excluded_;
    for (int i = 0; i < graph_.node_size(); ++i) placement_.decisions.push_back(decide(i));
    return std::move(placement_);
  }

 private:
  void assign_roles() {
    for (int i = 0; i < graph_.node_size(); ++i) {
      const auto& node = graph_.node(i);
      Role role = excluded_.contains(i) ? Role::floating : role_of(node, index_);
      if (named_in(target_.float_operators, node) || must_not_round(i)) role = Role::floating;
      if (role != Role::floating && !(node.output_size() > 0 && known_.floats.contains(node.output(0)))) role = Role::floating;
      roles_.push_back(role);
      if (role == Role::weighted) placement_.weighted.push_back({i, *weighted_op(node, index_)});
    }
    for (int i = graph_.node_size(); target_.sums_follow_readers && i-- > 0;) {
      const auto& node = graph_.node(i);
      if (only_softmax_reads(i)) {
        scores_.insert(node.output(0));
        if (!is_product(node)) roles_[i] = Role::floating;
      } else if (joins_tensors(node) && only_floats_read(node.output(0))) {
        roles_[i] = Role::floating;
      }
    }
  }

  // Whether a float Softmax alone reads the result, as it is or scaled, shifted and moved on the way there. Between two encodings ONNX
  // Runtime would run it on integers, many times slower than in float. A Conv has no float result. Asked of the last node first.
  bool only_softmax_reads(int number) const {
    static const std::set<std::string> types = {"Add", "Sub", "Mul", "Div"};
    const auto& node = graph_.node(number);
    if (node.output_size() != 1 || index_.is_graph_output(node.output(0)) || index_.uses(node.output(0)).empty()) return false;
    if (roles_[number] != Role::moving && !is_product(node) && !(standard_domain(node) && types.contains(node.op_type()))) return false;
    return std::ranges::all_of(index_.uses(node.output(0)), [&](const Use& use) {
      const auto& reader = graph_.node(use.node);
      if (reader.op_type() == "Softmax") return named_in(target_.float_operators, reader);
      return !is_product(reader) && reader.output_size() == 1 && scores_.contains(reader.output(0));
    });
  }

  // Its values are a mask, or some of them divide others.
  bool must_not_round(int number) const { return masked_.contains(number) || divisors_.contains(number); }

  void quantize_tensors() {
    quantized_.clear(), active_.clear(), constants_.clear(), placement_.integer_activations.clear();
    for (const auto& output : graph_.output()) {
      if (target_.integer_outputs) quantize_tensor(output.name());
    }
    for (std::size_t before = 1, after = 0; before != after;) {  // a later Conv may quantize what an earlier reader could not yet count on
      before = quantized_.size() + active_.size();
      for (int i = 0; i < graph_.node_size(); ++i) mark(i);
      after = quantized_.size() + active_.size();
    }
    for (int i = 0; i < graph_.node_size(); ++i) {
      if (is_between_integers(i) && quantized_.contains(graph_.node(i).input(0)) && quantized_.contains(graph_.node(i).output(0)))
        placement_.integer_activations.insert(i);
    }
  }

  // In front of an activation function on integers a convolution is faster as it is. Returns whether there are new ones.
  bool find_products(const std::function<bool(int)>& runs_on_integers) {
    const std::size_t before = placement_.integer_products.size();
    for (const auto& [number, op] : placement_.weighted) {
      if (target_.point_products && has_integer_product(graph_.node(number)) && !runs_on_integers(index_.uses(op.output)[0].node))
        placement_.integer_products.insert(number);
    }
    return placement_.integer_products.size() > before;
  }

  // Directly, or once moved.
  bool only_floats_read(const std::string& name) const {
    const auto& uses = index_.uses(name);
    return !uses.empty() && !index_.is_graph_output(name) && std::ranges::all_of(uses, [&](const auto& use) {
      const auto& node = graph_.node(use.node);
      if (roles_[use.node] == Role::moving)
        return std::ranges::all_of(node.output(), [&](const auto& output) { return only_floats_read(output); });
      return named_in(target_.float_operators, node) || (joins_tensors(node) && roles_[use.node] == Role::floating);
    });
  }

  // The tensor that carries a node's result on: behind the Relu or Clip that its encoding can absorb.
  std::string result_of(const std::string& output) const {
    const int reader = index_.only_reader(output);
    return reader >= 0 && roles_[reader] == Role::clamp ? graph_.node(reader).output(0) : output;
  }

  void quantize_tensor(const std::string& name) {
    const bool read = !index_.uses(name).empty() || index_.is_graph_output(name);
    const bool may_round = !must_not_round(index_.producer_number(name)) && !scores_.contains(name);
    if (!name.empty() && read && may_round && known_.floats.contains(name)) quantized_.insert(name);
  }

  // Whether all that `name` still goes through on its way to graph outputs runs in float or only moves it: quantizing it would lose
  // accuracy and gain nothing. A last Sigmoid runs in float, as its result is not quantized.
  bool only_leaves_the_graph(const std::string& name) const { return leaving_.contains(name); }

  // From the last node on: what is said of a tensor follows from those that its readers make.
  void find_leaving() {
    for (int i = graph_.node_size(); i-- > 0;) {
      for (const auto& output : graph_.node(i).output()) {
        if (leaves(output)) leaving_.insert(output);
      }
    }
  }
  bool leaves(const std::string& name) const {
    const auto& uses = index_.uses(name);
    if (uses.empty()) return index_.is_graph_output(name);
    return std::ranges::all_of(uses, [&](const Use& use) {
      const auto& node = graph_.node(use.node);
      const Role role = roles_[use.node];
      const bool computes = role == Role::compute && !fixed_range(node);
      return use.input >= 0 && role != Role::weighted && !computes &&
             std::ranges::all_of(node.output(), [&](const auto& output) { return leaving_.contains(output); });
    });
  }

  void mark(int number) {
    const auto& node = graph_.node(number);
    const Role role = roles_[number];
    if (role == Role::weighted) {
      active_.insert(number);
      quantize_tensor(node.input(0));
      if (!target_.fuses_what_follows && !placement_.integer_products.contains(number)) quantize_result(node, target_.quantize_outputs);
    } else if (role == Role::compute && target_.fuses_what_follows) {
      quantize_residual(number);
    } else if (role == Role::compute && any_input_quantized(node)) {
      active_.insert(number);
      for (int k = 0; k < node.input_size(); ++k) {
        if (!is_data_input(node, k) || !known_.floats.contains(node.input(k))) continue;
        if (index_.initializer(node.input(k)) != nullptr) {
          constants_.insert(node.input(k));
        } else {  // a Constant node whose value is a graph output, too, makes it like any other
          quantize_tensor(node.input(k));
        }
      }
      quantize_result(node, target_.quantize_outputs);
    } else if (role == Role::moving && quantized_.contains(node.input(0))) {
      active_.insert(number);
      for (const auto& output : node.output()) quantize_tensor(output);
    } else if (role == Role::clamp && quantized_.contains(node.input(0))) {
      quantize_result(node, target_.quantize_outputs);  // its input has other readers, so that it could not be absorbed
    }
  }

  // An Add that a weighted operator's kernel computes along: its own sum stays float inside that kernel, the other operand comes in
  // integers.
  void quantize_residual(int number) {
    const auto& node = graph_.node(number);
    if (node.op_type() != "Add") return;
    for (int k = 0; k < 2; ++k) {
      const int producer = index_.producer_number(node.input(k));
      const bool fused = producer >= 0 && roles_[producer] == Role::weighted && index_.uses(node.input(k)).size() == 1;
      if (!fused || index_.constant(node.input(1 - k)) != nullptr) continue;
      active_.insert(number);
      quantize_tensor(node.input(1 - k));
      return;
    }
  }

  void quantize_result(const onnx::NodeProto& node, bool even_graph_outputs) {
    const std::string result = result_of(node.output(0));
    if (even_graph_outputs || !only_leaves_the_graph(result)) quantize_tensor(result);
  }

  // A 1x1 convolution that is read in float only, before the logits: as a matrix product of integers it has a float result.
  bool has_integer_product(const onnx::NodeProto& node) const {
    const auto* weight = node.op_type() == "Conv" ? index_.initializer(node.input(1)) : nullptr;
    return weight != nullptr && is_pointwise(node, shape_of(*weight)) && known_.images.contains(node.input(0)) &&
           only_floats_read(node.output(0)) && (target_.quantize_outputs || !only_leaves_the_graph(node.output(0)));
  }

  bool any_input_quantized(const onnx::NodeProto& node) const {
    for (int k = 0; k < node.input_size(); ++k) {
      if (is_data_input(node, k) && quantized_.contains(node.input(k))) return true;
    }
    return false;
  }

  // An activation function between what is rounded on either side anyway: made by a convolution for it alone, read by nobody who could read
  // it unrounded.
  bool is_between_integers(int number) const {
    const auto& node = graph_.node(number);
    if (!target_.integer_activations.contains(node.op_type()) || roles_[number] != Role::floating || excluded_.contains(number))
      return false;
    const int producer = index_.only_use(node.input(0)) ? index_.producer_number(node.input(0)) : -1;
    if (producer < 0 || roles_[producer] != Role::weighted || index_.is_graph_output(node.output(0))) return false;
    return has_integer_form(node, graph_.node(producer), index_) &&
           std::ranges::all_of(index_.uses(node.output(0)), [&](const Use& use) { return roles_[use.node] != Role::floating; });
  }

  // The nodes that make the pixels of a group, which are integers already, from the Cast back; and what those read.
  void find_pixel_nodes() {
    for (int i = graph_.node_size(); i-- > 0;) {
      const auto& node = graph_.node(i);
      if (node.output_size() == 0 || node.input_size() == 0 || excluded_.contains(i)) continue;
      const auto &from = node.input(0), &to = node.output(0);
      const bool makes_pixels = known_.bytes.contains(to) && read_for_pixels_.contains(to);
      if (!makes_pixels && !(node.op_type() == "Cast" && known_.bytes.contains(from) && quantized_.contains(to))) continue;
      pixel_nodes_.insert(i);
      read_for_pixels_.insert(from);
    }
  }

  Decision decide(int number) const {
    const auto& node = graph_.node(number);
    Decision decision{name_of(node), node.op_type(), roles_[number], active_.contains(number), ""};
    if (decision.role == Role::clamp) decision.quantized = quantized_.contains(node.output(0));
    decision.quantized |= pixel_nodes_.contains(number) || placement_.integer_activations.contains(number);
    if (decision.quantized) return decision;
    const std::string output = node.output_size() > 0 ? node.output(0) : "";
    const FloatNode found{.is_excluded = excluded_.contains(number),
                          .is_masked = masked_.contains(number),
                          .is_divisor = divisors_.contains(number),
                          .has_float_role = decision.role == Role::floating,
                          .makes_floats = known_.floats.contains(output),
                          .is_read_for_pixels = read_for_pixels_.contains(output)};
    decision.reason = float_reason(node, found, target_, index_);
    return decision;
  }

  const onnx::GraphProto& graph_;
  GraphIndex index_;
  const Target& target_;
  std::set<int> excluded_, masked_, divisors_, active_, pixel_nodes_;
  KnownTensors known_;
  std::set<std::string> quantized_, constants_, read_for_pixels_, leaving_;
  std::set<std::string> scores_;  // what a Softmax makes weights of
  std::vector<Role> roles_;
  Placement placement_;
};

}  // namespace

std::vector<std::string> Placement::observed() const {
  std::vector<std::string> names;
  for (const auto& group : groups) {
    if (!group.range_is_exact) names.insert(names.end(), group.sources.begin(), group.sources.end());
  }
  return names;
}

Placement place(const Model& model, const Target& target, const Exclusions& exclusions) { return Placer(model, target, exclusions).run(); }

}  // namespace quantize
