// Where the values of a tensor are: in the protobuf, or in a file ("external data"). Whoever reads weights does so through tensor.h, and
// that through this; so a model may be larger than the 2 GB that one protobuf can hold.
//
// Inside this program an external tensor names its file by a path that can be opened from anywhere, and always says offset and length:
// load_model() sees to that, and save_model() to the reverse.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/mapped_file.h"

namespace quantize {

struct ExternalPlace {
  std::string file;
  std::uint64_t offset = 0, length = 0;
};

bool is_external(const onnx::TensorProto& tensor);
// Throws Error{model} naming the tensor where offset or length are no numbers. A length of 0 where the tensor does not say.
ExternalPlace external_place(const onnx::TensorProto& tensor);
// The values are in that file from now on, and no longer in the protobuf.
void set_external_place(onnx::TensorProto& tensor, const ExternalPlace& place);
// The reverse: reads the values into the protobuf.
void internalize(onnx::TensorProto& tensor);

// The raw bytes of a tensor, wherever they are. A tensor that stores its values in typed fields has none here.
class Payload {
 public:
  // The tensor must outlive this. Throws Error{model} naming tensor and file where the file cannot be read or is too short.
  explicit Payload(const onnx::TensorProto& tensor);
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::optional<MappedFile> file_;
  std::string_view bytes_;
};

bool has_raw_payload(const onnx::TensorProto& tensor);
// Of the tensor's protobuf and of what is outside it.
std::uint64_t stored_bytes(const onnx::TensorProto& tensor);
// Of the whole model likewise.
std::uint64_t stored_bytes(const onnx::ModelProto& model);

}  // namespace quantize
