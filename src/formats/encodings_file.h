// The encodings file (data/encodings.schema.json): the plan of the rewrite, one line per tensor. Made to be read, reviewed, edited and
// applied again exactly.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "encode/encodings.h"
#include "formats/artifact.h"

namespace quantize {

struct EncodingsFile {
  Origin origin;
  Encodings encodings;
};

std::string write_encodings(const EncodingsFile& file);
// Throws Error{data} naming the file, the tensor and what is wrong: numbers that cannot be an encoding, bits that are not the type's.
EncodingsFile read_encodings(std::string_view bytes, const std::filesystem::path& name);

// Throws Error{data} naming the tensor where `encodings` do not fit the model: an entry too many or too few, a scale per channel where
// there is no such channel, tensors that have to share one encoding and do not, an int32 bias that would overflow.
void check_encodings(const Encodings& encodings, const Model& model, const Placement& placement);

}  // namespace quantize
