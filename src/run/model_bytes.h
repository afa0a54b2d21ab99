// A model as ONNX Runtime takes it. Internal to run/.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "model/large_weights.h"
#include "model/model.h"
#include "model/payload.h"

namespace quantize {

// One protobuf, and beside it the files with the weights that the protobuf does not hold.
struct ModelBytes {
  std::string protobuf;
  std::map<std::string, MappedFile> files;
  std::shared_ptr<AppendFile> scratch;  // of weights that did not fit into the protobuf

  ModelBytes() = default;
  ModelBytes(const onnx::ModelProto& model, const WeightLimits& limits) {
    const auto& weights = model.graph().initializer();
    const bool fits = model.ByteSizeLong() <= limits.in_protobuf;
    if (fits && std::none_of(weights.begin(), weights.end(), is_external)) {
      protobuf = serialize(model);
      return;
    }
    protobuf = serialize(copy_without_payloads(model, fits ? limits.in_protobuf : limits.tensor, [&](auto& copy, const auto& original) {
      if (is_external(original) || !original.has_raw_data()) {
        copy = original;
        return;
      }
      if (!scratch) scratch = std::make_shared<AppendFile>();
      set_external_place(copy, {scratch->path(), scratch->append(original.raw_data()), original.raw_data().size()});
    }));
    for (const auto& tensor : weights) {
      if (is_external(tensor)) map(external_place(tensor).file);
    }
    if (scratch) map(scratch->path());
  }

  void give_files_to(Ort::SessionOptions& options) const {
    std::vector<std::string> names;
    std::vector<char*> starts;
    std::vector<std::size_t> lengths;
    for (const auto& [name, file] : files) {
      names.push_back(name);
      starts.push_back(static_cast<char*>(file.start()));
      lengths.push_back(file.bytes().size());
    }
    if (!names.empty()) options.AddExternalInitializersFromFilesInMemory(names, starts, lengths);
  }

 private:
  void map(const std::string& file) {
    if (!files.contains(file)) files.emplace(file, MappedFile(file));
  }
};

}  // namespace quantize
