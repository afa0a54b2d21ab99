#include "pipeline/version.h"

namespace quantize {

std::string version() { return QUANTIZE_VERSION; }
std::string onnx_version() { return QUANTIZE_ONNX_VERSION; }

}  // namespace quantize
