#include "model/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/checker.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "model/complete.h"
#include "model/edit.h"
#include "model/graph.h"
#include "model/library_words.h"
#include "model/payload.h"
#include "model/sparse.h"

namespace quantize {
namespace {

constexpr std::uintmax_t protobuf_limit = std::numeric_limits<std::int32_t>::max();

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using Visit = std::function<void(onnx::TensorProto&)>;

void for_each_tensor(onnx::GraphProto& graph, const Visit& visit);

void for_each_tensor(Nodes& nodes, const Visit& visit) {
  for (auto& node : nodes) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) visit(*attribute.mutable_t());
      for (auto& tensor : *attribute.mutable_tensors()) visit(tensor);
    }
    for (auto* body : mutable_bodies(node)) for_each_tensor(*body, visit);
  }
}

void for_each_tensor(onnx::GraphProto& graph, const Visit& visit) {
  for (auto& tensor : *graph.mutable_initializer()) visit(tensor);
  for (auto& sparse : *graph.mutable_sparse_initializer()) {
    visit(*sparse.mutable_values());
    visit(*sparse.mutable_indices());
  }
  for_each_tensor(*graph.mutable_node(), visit);
}

// Of the graph, its bodies and the local functions.
void for_each_tensor(onnx::ModelProto& model, const Visit& visit) {
  for_each_tensor(*model.mutable_graph(), visit);
  for (auto& function : *model.mutable_functions()) for_each_tensor(*function.mutable_node(), visit);
}

// The place as the file says it, relative to its folder -> one that can be opened from anywhere, with its length.
ExternalPlace resolve(const onnx::TensorProto& tensor, const std::filesystem::path& folder) {
  ExternalPlace place = external_place(tensor);
  const auto file = folder / place.file;
  const auto inside = file.lexically_normal().lexically_relative(folder.lexically_normal());
  if (place.file.empty() || inside.empty() || *inside.begin() == "..") {
    throw Error(ErrorKind::model, "tensor '" + tensor.name() + "' keeps its data outside the model's folder; move it beside the model");
  }
  std::error_code code;
  const auto size = std::filesystem::file_size(file, code);
  if (code) throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "': cannot read " + file.string());
  if (place.offset > size)
    throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "' lies beyond the end of " + file.string());
  place.file = std::filesystem::absolute(file);
  const bool empty = std::ranges::find(tensor.dims(), 0) != tensor.dims().end();  // then a length of 0 is one
  if (place.length == 0 && !empty) place.length = size - place.offset;
  if (place.length > size - place.offset)
    throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "' is truncated: " + file.string() + " is too short");
  return place;
}

// Small external tensors, and all of a model that fits into one protobuf, are read into it; the others know from here on where they are.
void locate_weights(Model& model) {
  const auto folder = model.path.has_parent_path() ? model.path.parent_path() : std::filesystem::path(".");
  std::set<std::string> files;
  std::uintmax_t total = model.bytes;
  for_each_tensor(model.proto, [&](onnx::TensorProto& tensor) {
    if (!is_external(tensor)) return;
    const auto place = resolve(tensor, folder);
    set_external_place(tensor, place);
    files.insert(place.file);
    total += place.length;
  });
  std::set<const onnx::TensorProto*> stay_outside;
  for (const auto& tensor : model.graph().initializer()) {
    if (total > model.limits.in_protobuf && is_external(tensor) && external_place(tensor).length >= model.limits.tensor)
      stay_outside.insert(&tensor);
  }
  for_each_tensor(model.proto, [&](onnx::TensorProto& tensor) {
    if (!stay_outside.contains(&tensor)) internalize(tensor);
  });
  model.data_files.assign(files.begin(), files.end());
  for (const auto& file : files) {
    const MappedFile mapped(file);
    model.bytes += mapped.bytes().size();
    model.fingerprint = fingerprint(model.fingerprint + fingerprint(mapped.bytes()));
  }
  make_dense(model.graph());
  move_out_large_weights(model.graph(), model.limits, model.scratch);
}

void require_usable(const Model& model) {
  const std::string file = model.path.string();
  const auto& graph = model.graph();
  if (graph.node_size() == 0) throw Error(ErrorKind::model, file + " holds no graph with nodes; is it an ONNX model?");
  if (graph.output_size() == 0) throw Error(ErrorKind::model, file + ": the graph has no output");
  bool has_default_domain = false;
  for (const auto& import : model.proto.opset_import()) has_default_domain |= import.domain().empty() || import.domain() == "ai.onnx";
  if (!has_default_domain) throw Error(ErrorKind::model, file + " does not import ONNX's standard operators");
}

// Names of nodes mean nothing to ONNX, and exporters give some twice; ONNX Runtime insists that they differ.
void make_node_names_unique(onnx::GraphProto& graph) {
  NameMaker names(graph);
  std::set<std::string> seen;
  for (auto& node : *graph.mutable_node()) {
    if (!node.name().empty() && !seen.insert(node.name()).second) node.set_name(names.unique(node.name()));
  }
}

Model parse_unchecked(std::string_view bytes, const std::filesystem::path& name, const WeightLimits& limits) {
  Model model;
  model.limits = limits;
  model.path = name;
  model.bytes = bytes.size();
  model.fingerprint = fingerprint(bytes);
  if (bytes.size() > protobuf_limit || !model.proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorKind::model, name.string() + " is not an ONNX model, or is truncated (it does not parse)");
  }
  locate_weights(model);
  require_usable(model);
  make_node_names_unique(model.graph());
  return model;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::string bytes;
  try {
    bytes = read_file(path);
  } catch (const Error& error) {
    throw Error(ErrorKind::model, error.what());
  }
  if (bytes.empty()) throw Error(ErrorKind::model, path.string() + " is empty");
  return bytes;
}

}  // namespace

Model parse_model(std::string_view bytes, const std::filesystem::path& name, const WeightLimits& limits) {
  Model model = parse_unchecked(bytes, name, limits);
  sort_nodes(model.graph());
  drop_claims_about_initializers(model.graph());
  complete(model.proto);
  check_model(model.proto, name.string());
  return model;
}

Model load_model(const std::filesystem::path& path, const WeightLimits& limits) { return parse_model(bytes_of(path), path, limits); }

Model load_written_model(const std::filesystem::path& path, const WeightLimits& limits) {
  Model model = parse_unchecked(bytes_of(path), path, limits);
  check_model(model.proto, path.string());
  return model;
}

namespace {

using Functions = std::set<const onnx::FunctionProto*>;

// The first quantized operator, in bodies and in local functions that are called too: a constant condition and the raise of the opset bring
// those into the graph. Null where there is none.
const onnx::NodeProto* first_quantized(const Nodes& nodes, const onnx::ModelProto& model, Functions& seen) {
  static const std::set<std::string> quantized = {"QuantizeLinear", "DequantizeLinear",      "QLinearConv",   "QLinearMatMul",
                                                  "ConvInteger",    "MatMulInteger",         "QLinearAdd",    "QGemm",
                                                  "MatMulNBits",    "DynamicQuantizeLinear", "QLinearConcat", "DynamicQuantizeMatMul"};
  for (const auto& node : nodes) {
    if (quantized.contains(node.op_type())) return &node;
    for (const auto* body : bodies(node)) {
      if (const auto* found = first_quantized(body->node(), model, seen)) return found;
    }
    for (const auto& function : model.functions()) {
      const bool called = function.name() == node.op_type() && function.domain() == node.domain();
      if (!called || !seen.insert(&function).second) continue;
      if (const auto* found = first_quantized(function.node(), model, seen)) return found;
    }
  }
  return nullptr;
}

}  // namespace

void refuse_quantized(const Model& model) {
  Functions seen;
  const auto* node = first_quantized(model.graph().node(), model.proto, seen);
  if (node == nullptr) return;
  const std::string name = !node->name().empty() || node->output_size() == 0 ? node->name() : node->output(0);
  throw Error(ErrorKind::model, model.path.string() + " is already quantized (node '" + name + "' is a " + node->op_type() +
                                    "); give the FP32 model it was made from");
}

namespace {

// The weights go into a file of their own beside the model, which names it.
std::filesystem::path save_in_two_files(const onnx::ModelProto& proto, const std::filesystem::path& path, FileTransaction& files,
                                        const WeightLimits& limits) {
  auto data_path = path;
  data_path += ".data";
  AppendFile data(files.reserve(data_path));
  const auto put = [&](onnx::TensorProto& copy, const onnx::TensorProto& original) {
    if (!has_raw_payload(original)) {
      copy = original;
      return;
    }
    const Payload payload(original);
    if (payload.bytes().size() < limits.tensor) {
      copy.set_raw_data(payload.bytes().data(), payload.bytes().size());
    } else {
      set_external_place(copy, {data_path.filename(), data.append(payload.bytes()), payload.bytes().size()});
    }
  };
  auto written = files.write(path, serialize(copy_without_payloads(proto, limits.tensor, put)));
  data.flush();
  return written;
}

}  // namespace

std::filesystem::path save_model(const onnx::ModelProto& proto, const std::filesystem::path& path, FileTransaction& files,
                                 const WeightLimits& limits) {
  if (stored_bytes(proto) > limits.in_protobuf) return save_in_two_files(proto, path, files, limits);
  onnx::ModelProto whole = proto;
  for (auto& tensor : *whole.mutable_graph()->mutable_initializer()) internalize(tensor);
  return files.write(path, serialize(whole));
}

std::int64_t opset_of(const onnx::ModelProto& proto) {
  for (const auto& import : proto.opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") return import.version();
  }
  return 1;
}

void set_opset(onnx::ModelProto& proto, std::int64_t version) {
  for (auto& import : *proto.mutable_opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") import.set_version(version);
  }
}

void check_model(const onnx::ModelProto& proto, const std::string& what) {
  try {
    // The checker looks at no weight's values, and could not take more than 2 GB of them.
    onnx::checker::check_model(accepted_by_checker(proto));
  } catch (const std::exception& error) {
    throw Error(ErrorKind::model, what + " is not a valid ONNX model: " + plain_words(error.what(), proto.graph()));
  }
}

std::string serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    if (!message.SerializeToCodedStream(&coded)) throw Error(ErrorKind::internal, "a model could not be serialized (over 2 GB?)");
  }
  return bytes;
}

}  // namespace quantize
