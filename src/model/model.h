// LOAD: a file on disk -> Model. The Model is the protobuf itself; GraphIndex (graph.h) answers questions about it, edit.h changes it.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <string>

#include "base/files.h"
#include "model/large_weights.h"

namespace quantize {

struct Model {
  onnx::ModelProto proto;
  std::filesystem::path path;           // where it came from, for messages
  std::vector<std::string> data_files;  // external data it was read from
  std::string fingerprint;              // of the file's bytes, external data included
  std::uintmax_t bytes = 0;             // size on disk, external data included
  WeightLimits limits;                  // which weights the protobuf holds itself
  std::shared_ptr<AppendFile> scratch;  // of weights that were changed and are too large for it

  [[nodiscard]] const onnx::GraphProto& graph() const { return proto.graph(); }
  [[nodiscard]] onnx::GraphProto& graph() { return *proto.mutable_graph(); }
};

// Reads and checks a model: it must parse, hold a graph with nodes and outputs, and, its nodes put in order, pass ONNX's checker
// (structure, single assignment). Sparse initializers become dense. External data is read into the protobuf; of a model larger than
// `limits` allow, large weights stay where they are and are read when they are needed (payload.h). Throws Error{model} naming the file and
// the reason.
Model load_model(const std::filesystem::path& path, const WeightLimits& limits = {});
// The same of a file this program wrote: nodes out of order are an error.
Model load_written_model(const std::filesystem::path& path, const WeightLimits& limits = {});
// The same from bytes in memory; `name` stands for the file in messages.
Model parse_model(std::string_view bytes, const std::filesystem::path& name, const WeightLimits& limits = {});

// Throws Error{model} when the graph, a body in it or a local function that is called already holds quantized operators.
void refuse_quantized(const Model& model);

// Adds the model's file to the transaction; it appears when the transaction is published. Returns the temporary path, readable until then.
// A model larger than `limits` allow has its large weights in a second file, <path>.data.
std::filesystem::path save_model(const onnx::ModelProto& proto, const std::filesystem::path& path, FileTransaction& files,
                                 const WeightLimits& limits = {});

// The version of the default ONNX domain the model imports.
std::int64_t opset_of(const onnx::ModelProto& proto);
void set_opset(onnx::ModelProto& proto, std::int64_t version);

// Runs ONNX's checker; throws Error{kind} with `what` in front of the checker's words.
void check_model(const onnx::ModelProto& proto, const std::string& what);

// Deterministic bytes of a message.
std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace quantize
