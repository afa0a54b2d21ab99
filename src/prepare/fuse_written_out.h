// Operators that exporters write out as several: finding them is each one's own business, putting the one in their place is not.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "model/graph.h"
#include "model/model.h"

namespace quantize {

struct WrittenOut {
  std::string input;
  int last;  // the node whose output the operator makes of that
};

// What node `number` is the middle of, if it is.
using FindWrittenOut = std::function<std::optional<WrittenOut>(const GraphIndex& index, int number)>;

// Each becomes one `type`, an operator since `first_opset`, to which a model that has some is raised. Returns the pass's words.
std::string fuse_written_out(Model& model, const std::string& type, std::int64_t first_opset, const FindWrittenOut& find);

}  // namespace quantize
