#include "model/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/checker.h>

#include <limits>
#include <set>

#include "base/error.h"

namespace quantize {
namespace {

constexpr std::uintmax_t protobuf_limit = std::numeric_limits<std::int32_t>::max();

// The external tensors of a graph, its subgraphs included.
void for_each_tensor(onnx::GraphProto& graph, const std::function<void(onnx::TensorProto&)>& visit) {
  for (auto& tensor : *graph.mutable_initializer()) visit(tensor);
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) visit(*attribute.mutable_t());
      if (attribute.has_g()) for_each_tensor(*attribute.mutable_g(), visit);
    }
  }
}

struct ExternalLocation {
  std::filesystem::path file;
  std::uintmax_t offset = 0;
  std::uintmax_t length = 0;
};

ExternalLocation external_location(const onnx::TensorProto& tensor, const std::filesystem::path& folder) {
  ExternalLocation location;
  try {
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") location.file = folder / entry.value();
      if (entry.key() == "offset") location.offset = std::stoull(entry.value());
      if (entry.key() == "length") location.length = std::stoull(entry.value());
    }
  } catch (const std::exception&) {
    throw Error(ErrorKind::model, "tensor '" + tensor.name() + "' has an unreadable offset or length of its external data");
  }
  const auto inside = std::filesystem::path(location.file).lexically_normal().lexically_relative(folder.lexically_normal());
  if (location.file.empty() || inside.empty() || *inside.begin() == "..") {
    throw Error(ErrorKind::model, "tensor '" + tensor.name() + "' keeps its data outside the model's folder; move it beside the model");
  }
  return location;
}

// Reads every external tensor into the protobuf.
void internalize(Model& model) {
  const auto folder = model.path.has_parent_path() ? model.path.parent_path() : std::filesystem::path(".");
  std::map<std::filesystem::path, std::string> files;
  std::uintmax_t total = model.bytes;
  for_each_tensor(model.graph(), [&](onnx::TensorProto& tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
    const auto location = external_location(tensor, folder);
    if (!files.contains(location.file)) {
      std::error_code code;
      total += std::filesystem::file_size(location.file, code);
      if (code) throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "': cannot read " + location.file.string());
      if (total > protobuf_limit) {
        throw Error(ErrorKind::model, model.path.string() + " and its external data are over 2 GB, which this version cannot load");
      }
      files[location.file] = read_file(location.file);
    }
    const std::string& bytes = files[location.file];
    if (location.offset > bytes.size())
      throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "' lies beyond the end of its file");
    const auto length = location.length != 0 ? location.length : bytes.size() - location.offset;
    if (length > bytes.size() - location.offset)
      throw Error(ErrorKind::model, "external data of tensor '" + tensor.name() + "' is truncated");
    tensor.set_raw_data(bytes.data() + location.offset, length);
    tensor.clear_external_data();
    tensor.clear_data_location();
  });
  for (const auto& [file, bytes] : files) {
    model.bytes += bytes.size();
    model.fingerprint = fingerprint(model.fingerprint + fingerprint(bytes));
  }
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

}  // namespace

Model parse_model(std::string_view bytes, const std::filesystem::path& name) {
  Model model;
  model.path = name;
  model.bytes = bytes.size();
  model.fingerprint = fingerprint(bytes);
  if (bytes.size() > protobuf_limit || !model.proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorKind::model, name.string() + " is not an ONNX model, or is truncated (it does not parse)");
  }
  internalize(model);
  require_usable(model);
  check_model(model.proto, name.string());
  return model;
}

Model load_model(const std::filesystem::path& path) {
  std::string bytes;
  try {
    bytes = read_file(path);
  } catch (const Error& error) {
    throw Error(ErrorKind::model, error.what());
  }
  if (bytes.empty()) throw Error(ErrorKind::model, path.string() + " is empty");
  return parse_model(bytes, path);
}

void refuse_quantized(const Model& model) {
  static const std::set<std::string> quantized = {"QuantizeLinear", "DequantizeLinear",      "QLinearConv",   "QLinearMatMul",
                                                  "ConvInteger",    "MatMulInteger",         "QLinearAdd",    "QGemm",
                                                  "MatMulNBits",    "DynamicQuantizeLinear", "QLinearConcat", "DynamicQuantizeMatMul"};
  for (const auto& node : model.graph().node()) {
    if (quantized.contains(node.op_type())) {
      throw Error(ErrorKind::model, model.path.string() + " is already quantized (node '" +
                                        (node.name().empty() ? node.output(0) : node.name()) + "' is a " + node.op_type() +
                                        "); give the FP32 model it was made from");
    }
  }
}

std::filesystem::path save_model(const onnx::ModelProto& proto, const std::filesystem::path& path, FileTransaction& files) {
  return files.write(path, serialize(proto));
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
    onnx::checker::check_model(proto);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::model, what + " is not a valid ONNX model: " + error.what());
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
