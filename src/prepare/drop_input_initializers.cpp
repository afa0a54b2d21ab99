// Exporters of IR version 3 had to list every weight as an input of the model too; a caller could then feed another weight.
//
//   BEFORE  inputs: image, w, b   initializers: w, b
//   AFTER   inputs: image         initializers: w, b     (IR version 4 or newer, which allows it)
#include <set>

#include "prepare/passes.h"

namespace quantize {

std::string drop_input_initializers(Model& model) {
  auto& graph = model.graph();
  std::set<std::string> initializers;
  for (const auto& tensor : graph.initializer()) initializers.insert(tensor.name());
  auto& inputs = *graph.mutable_input();
  int kept = 0;
  for (int i = 0; i < inputs.size(); ++i) {
    if (initializers.contains(inputs.Get(i).name())) continue;
    if (kept != i) inputs.SwapElements(kept, i);
    ++kept;
  }
  const auto dropped = static_cast<std::size_t>(inputs.size() - kept);
  const bool old_format = model.proto.ir_version() < 4;
  if (old_format) model.proto.set_ir_version(4);  // later passes add initializers that are no inputs
  if (dropped == 0) return old_format ? "IR version raised to 4" : "";
  inputs.DeleteSubrange(kept, inputs.size() - kept);
  return counted(dropped, "weight", "weights") + " no longer inputs";
}

}  // namespace quantize
