// NumPy's .npy files, versions 1 to 3 (format: numpy.lib.format), little endian, C order: float32, float64, float16, and integers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "model/tensor.h"

namespace quantize {

// By the file's name, in whichever case.
bool is_npy(const std::filesystem::path& path);
// Throws Error{data} naming the file for anything else (Fortran order, objects, big endian, truncated).
Tensor read_npy(const std::filesystem::path& path);
Tensor parse_npy(std::string_view bytes, const std::string& name);

}  // namespace quantize
