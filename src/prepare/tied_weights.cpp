#include "prepare/tied_weights.h"

#include <algorithm>
#include <map>
#include <string>

#include "model/tensor.h"

namespace quantize {
namespace {

std::int64_t bytes_of(const onnx::TensorProto& constant) {
  return element_count(shape_of(constant)) * static_cast<std::int64_t>(element_size(static_cast<ElementType>(constant.data_type())));
}

// A node that stays for want of a copy takes a few hundred bytes itself, and time, and rounds once more: the heads of a detector, a small
// part of it, are worth a copy for each of their scales.
std::int64_t largest_copy(const GraphIndex& index) {
  constexpr std::int64_t small = 4096, share = 64;
  std::int64_t all = 0;
  for (const auto& constant : index.graph().initializer()) all += bytes_of(constant);
  return std::max(small, all / share);
}

bool want_the_same(const std::vector<ConstantChange>& changes) {
  const auto& first = *changes[0].tensor;
  return first.has_raw_data() &&
         std::ranges::all_of(changes, [&](const auto& change) { return change.tensor->raw_data() == first.raw_data(); });
}

}  // namespace

bool may_differ(const onnx::TensorProto& constant, const GraphIndex& index) {
  return index.only_use(constant.name()) || bytes_of(constant) <= largest_copy(index);
}

std::set<std::pair<int, int>> refused_copies(const std::vector<ConstantChange>& changes, const GraphIndex& index) {
  std::map<std::string, std::vector<ConstantChange>> by_constant;
  for (const auto& change : changes) by_constant[index.node(change.node).input(change.input)].push_back(change);
  std::set<std::pair<int, int>> refused;
  for (const auto& [name, readers] : by_constant) {
    const bool are_all = readers.size() == index.uses(name).size() && !index.is_graph_output(name);
    if (are_all && want_the_same(readers)) {
      for (const auto& change : readers) change.tensor->set_name(name);
    } else if (!may_differ(*index.initializer(name), index)) {
      for (const auto& change : readers) refused.emplace(change.node, change.input);
    }
  }
  return refused;
}

}  // namespace quantize
