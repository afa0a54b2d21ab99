#pragma once

#include <string>

namespace quantize {

std::string version();       // of this program
std::string onnx_version();  // of the ONNX library it was built with

}  // namespace quantize
