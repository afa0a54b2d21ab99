// A weight whose readers need different encodings becomes one weight for each: scales stand along the output channels, which are another
// axis of the same matrix for a Gemm and for a transposed Gemm, or for a Conv and for the ConvTranspose that mirrors it.
//
//   BEFORE  t = Conv (x, W);  y = ConvTranspose (t, W)
//   AFTER   t = Conv (x, W);  y = ConvTranspose (t, W_axis1)
#include <map>

#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "prepare/passes.h"

namespace quantize {

std::string fork_shared_weights(Model& model) {
  auto& graph = model.graph();
  std::map<std::string, std::map<int, std::vector<int>>> readers;  // weight -> channel axis -> nodes
  {
    const GraphIndex index(graph);
    for (int i = 0; i < graph.node_size(); ++i) {
      if (const auto op = weighted_op(graph.node(i), index)) readers[op->weight][op->channel_axis].push_back(i);
    }
  }
  NameMaker names(graph);
  std::size_t forked = 0;
  for (const auto& [weight, by_axis] : readers) {
    for (auto axis = std::next(by_axis.begin()); axis != by_axis.end(); ++axis) {
      onnx::TensorProto copy = *find_initializer(graph, weight);
      copy.set_name(names.unique(weight + "_axis" + std::to_string(std::max(axis->first, 0))));
      for (const int node : axis->second) graph.mutable_node(node)->set_input(1, copy.name());
      *graph.add_initializer() = std::move(copy);
      ++forked;
    }
  }
  return counted(forked, "weight", "weights");
}

}  // namespace quantize
