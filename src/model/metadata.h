// What a model says of itself in its metadata, by key.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>

namespace quantize {

std::optional<std::string> metadata(const onnx::ModelProto& model, const std::string& key);
// For a key that is not there yet.
void add_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value);

}  // namespace quantize
