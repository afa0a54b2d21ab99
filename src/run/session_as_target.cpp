#include "run/session_as_target.h"

namespace quantize {

SessionOptions session_as_target(const Target& target) { return {.fuse_quantized = target.pairs_in_16_bits}; }

}  // namespace quantize
