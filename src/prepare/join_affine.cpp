// Element-wise operators with constants in a row are one factor and one summand: what a model that normalises its pictures itself begins
// with, and what exporters leave of scales and biases.
//
//   BEFORE  t = Div (x, 255);  u = Sub (t, m);  y = Div (u, s)            m and s of one value each, or of one per channel
//   AFTER   t = Mul (x, 1 / (255 s));  y = Add (t, -m / s)
//
// Without the Mul where the factor is 1, and without the Add where the summand is 0. Two operators that do not become fewer stay.
#include <algorithm>
#include <set>
#include <utility>

#include "model/edit.h"
#include "prepare/affine_run.h"
#include "prepare/channel_walk.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

struct Joined {
  AffineRun run;
  std::vector<std::pair<std::string, onnx::TensorProto>> operators;  // type and constant of each that is left
};

// Each value along the axis, or one where all are the same.
std::optional<onnx::TensorProto> constant_for(const AffineRun& run, std::vector<double> values) {
  const auto differs = [&](double value) { return value != values[0]; };
  if (std::ranges::none_of(values, differs)) values.resize(1);
  Shape shape(values.size() == 1 ? 0U : static_cast<std::size_t>(-run.axis), 1);
  if (!shape.empty()) shape[0] = std::ssize(values);
  return store("", shape, onnx::TensorProto::FLOAT, values);
}

// Nothing where no operator would go.
std::optional<Joined> joined(AffineRun run, const GraphIndex& index) {
  const bool scales = std::ranges::any_of(run.map.scale, [](double value) { return static_cast<float>(value) != 1; });
  std::vector<std::pair<std::string, std::vector<double>>> wanted;
  if (scales) wanted.emplace_back("Mul", run.map.scale);
  if (run.map.shifts()) wanted.emplace_back("Add", run.map.shift);
  // At the end of a network a Div stays float, with all that leads to it, where a Mul would be rounded.
  const bool is_end = index.is_graph_output(run.output) && (wanted.empty() || !index.is_graph_input(run.input));
  if (wanted.size() >= run.nodes.size() || is_end) return {};
  Joined result{std::move(run), {}};
  for (auto& [type, values] : wanted) {
    auto constant = constant_for(result.run, std::move(values));
    if (!constant) return {};
    result.operators.emplace_back(type, std::move(*constant));
  }
  return result;
}

std::vector<Joined> find_joined(const Model& model, const IsKept& is_kept) {
  const GraphIndex index(model.graph());
  const ValueTypes types(model.proto);
  const AffineRuns runs(index, types, is_kept);
  std::set<int> seen;
  std::vector<Joined> found;
  for (int i = 0; i < model.graph().node_size(); ++i) {
    auto run = seen.contains(i) ? AffineRun{} : runs.starting_at(i);
    seen.insert(run.nodes.begin(), run.nodes.end());
    if (auto one = joined(std::move(run), index)) found.push_back(std::move(*one));
  }
  return found;
}

// The last nodes of the run become what is left of it, `removed` are the others.
void write(onnx::GraphProto& graph, Joined& one, NameMaker& names, std::set<int>& removed) {
  const auto& run = one.run;
  if (one.operators.empty()) replace_uses(graph, run.output, run.input);
  const std::string name = graph.node(run.nodes.back()).name();
  const auto removes = static_cast<std::ptrdiff_t>(run.nodes.size() - one.operators.size());
  removed.insert(run.nodes.begin(), run.nodes.begin() + removes);
  std::string from = run.input;
  auto number = run.nodes.begin() + removes;
  for (auto& [type, constant] : one.operators) {
    const bool is_last = *number == run.nodes.back(), scales = type == "Mul";
    const std::string to = is_last ? run.output : names.unique(run.output + "_scaled");
    constant.set_name(names.unique(run.output + (scales ? "_scale" : "_shift")));
    auto& node = *graph.mutable_node(*number++);
    node = make_node(type, std::vector{from, constant.name()}, {&to, 1});
    if (!name.empty()) node.set_name(is_last ? name : names.unique(name + "_scale"));
    *graph.add_initializer() = std::move(constant);
    from = to;
  }
}

}  // namespace

std::string join_affine(Model& model, const IsKept& is_kept) {
  auto& graph = model.graph();
  if (!has_constant_operand(graph, {"Mul", "Div", "Add", "Sub"})) return {};
  auto found = find_joined(model, is_kept);
  if (found.empty()) return {};
  NameMaker names(graph);
  std::set<int> removed;
  // From the back: a run that goes altogether hands on its input to one behind it that has been written.
  for (auto one = found.rbegin(); one != found.rend(); ++one) write(graph, *one, names, removed);
  remove_nodes(graph, removed);
  remove_unused(graph);
  return counted(found.size(), "run", "runs");
}

}  // namespace quantize
