#include "model/payload.h"

#include "base/error.h"

namespace quantize {

bool is_external(const onnx::TensorProto& tensor) { return tensor.data_location() == onnx::TensorProto::EXTERNAL; }

bool has_raw_payload(const onnx::TensorProto& tensor) { return tensor.has_raw_data() || is_external(tensor); }

ExternalPlace external_place(const onnx::TensorProto& tensor) {
  ExternalPlace place;
  try {
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") place.file = entry.value();
      if (entry.key() == "offset") place.offset = std::stoull(entry.value());
      if (entry.key() == "length") place.length = std::stoull(entry.value());
    }
  } catch (const std::exception&) {
    throw Error(ErrorKind::model, "tensor '" + tensor.name() + "' has an unreadable offset or length of its external data");
  }
  return place;
}

void set_external_place(onnx::TensorProto& tensor, const ExternalPlace& place) {
  tensor.clear_raw_data();
  tensor.clear_external_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", place.file);
  add("offset", std::to_string(place.offset));
  add("length", std::to_string(place.length));
}

void internalize(onnx::TensorProto& tensor) {
  if (!is_external(tensor)) return;
  const Payload payload(tensor);
  tensor.set_raw_data(payload.bytes().data(), payload.bytes().size());
  tensor.clear_external_data();
  tensor.clear_data_location();
}

Payload::Payload(const onnx::TensorProto& tensor) {
  if (!is_external(tensor)) {
    bytes_ = tensor.raw_data();
    return;
  }
  const auto place = external_place(tensor);
  const std::string what = "external data of tensor '" + tensor.name() + "' in " + place.file;
  try {
    file_.emplace(place.file);
  } catch (const Error& error) {
    throw Error(ErrorKind::model, what + ": " + error.what());
  }
  const auto all = file_->bytes();
  if (place.offset > all.size() || place.length > all.size() - place.offset) {
    throw Error(ErrorKind::model, what + " is truncated: it ends at byte " + std::to_string(all.size()) + ", the tensor at byte " +
                                      std::to_string(place.offset + place.length));
  }
  bytes_ = all.substr(place.offset, place.length);
}

std::uint64_t stored_bytes(const onnx::TensorProto& tensor) {
  return tensor.ByteSizeLong() + (is_external(tensor) ? external_place(tensor).length : 0);
}

std::uint64_t stored_bytes(const onnx::ModelProto& model) {
  std::uint64_t bytes = model.ByteSizeLong();
  for (const auto& tensor : model.graph().initializer()) {
    if (is_external(tensor)) bytes += external_place(tensor).length;
  }
  return bytes;
}

}  // namespace quantize
