// A model as ONNX Runtime takes it. Internal to run/.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "model/large_weights.h"
#include "model/model.h"
#include "model/payload.h"

namespace quantize {

// One protobuf without the large weights, which ONNX Runtime takes from where they are: from the model, or from the files that it names.
struct ModelBytes {
  std::string protobuf;

  // The model must outlive the making of the session.
  ModelBytes(const onnx::ModelProto& model, const WeightLimits& limits) {
    protobuf = serialize(copy_without_payloads(model, limits.tensor, [&](auto& copy, const auto& original) {
      if (is_external(original) || !original.has_raw_data()) {
        copy = original;
      } else {
        const std::string place = "weight " + std::to_string(weights_.size());  // taken for the name of a file
        weights_.emplace(place, original.raw_data());
        set_external_place(copy, {place, 0, original.raw_data().size()});
      }
    }));
    for (const auto& tensor : model.graph().initializer()) {
      if (is_external(tensor)) map(external_place(tensor).file);
    }
  }

  void give_weights_to(Ort::SessionOptions& options) const {
    std::vector<std::string> names;
    std::vector<char*> starts;
    std::vector<std::size_t> lengths;
    const auto give = [&](const std::string& name, std::string_view bytes) {
      names.push_back(name);
      starts.push_back(const_cast<char*>(bytes.data()));  // ONNX Runtime copies them, its interface only lacks the const
      lengths.push_back(bytes.size());
    };
    for (const auto& [name, bytes] : weights_) give(name, bytes);
    for (const auto& [name, file] : files_) give(name, file.bytes());
    if (!names.empty()) options.AddExternalInitializersFromFilesInMemory(names, starts, lengths);
  }

 private:
  void map(const std::string& file) {
    if (!files_.contains(file)) files_.emplace(file, MappedFile(file));
  }

  std::map<std::string, std::string_view> weights_;
  std::map<std::string, MappedFile> files_;
};

}  // namespace quantize
