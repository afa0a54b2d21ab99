// Which tensors of a model are of which type, as far as that can be known without running it.
#pragma once

#include <set>
#include <string>

#include "model/model.h"

namespace quantize {

struct KnownTensors {
  std::set<std::string> floats, bytes;
  std::set<std::string> images;  // four dimensions, all but the first known
};

// The tensors known to be float, and those of type uint8. Shape inference knows most; what it does not (unknown operators' outputs) stays
// unquantized.
KnownTensors known_tensors(const Model& model);

}  // namespace quantize
