#include "run/compile_context.h"

#include "base/error.h"
#include "base/files.h"
#include "base/stopwatch.h"
#include "model/attribute.h"
#include "run/session.h"

namespace quantize {
namespace {

onnx::ModelProto read_wrapper(const std::filesystem::path& file) {
  onnx::ModelProto wrapper;
  if (!std::filesystem::exists(file) || !wrapper.ParseFromString(read_file(file))) {
    throw Error(ErrorKind::model, "the provider compiled nothing: it wrote no context model");
  }
  return wrapper;
}

// The only node of a whole compiled graph.
const onnx::NodeProto& context_node(const onnx::ModelProto& wrapper) {
  for (const auto& node : wrapper.graph().node()) {
    if (node.op_type() != "EPContext") {
      throw Error(ErrorKind::model, node.op_type() + " '" + node.name() + "' was left outside the compiled context");
    }
  }
  if (wrapper.graph().node_size() != 1) {
    throw Error(ErrorKind::model, "the graph was compiled in " + std::to_string(wrapper.graph().node_size()) + " pieces instead of one");
  }
  return wrapper.graph().node(0);
}

}  // namespace

CompiledFiles compile_context(const std::filesystem::path& model, const std::filesystem::path& wrapper, const Provider& provider) {
  const Stopwatch watch;
  {
    const SessionOptions options{.provider = &provider,
                                 .allow_fallback = false,
                                 .config = {{"ep.context_enable", "1"}, {"ep.context_file_path", wrapper}, {"ep.context_embed_mode", "0"}}};
    const Session compiling(model, options);
  }
  CompiledFiles files{wrapper, {}, {}, watch.seconds()};
  const auto written = read_wrapper(wrapper);
  const auto& node = context_node(written);
  files.binary = wrapper.parent_path() / string_attribute(node, "ep_cache_context", "");
  if (!std::filesystem::is_regular_file(files.binary)) throw Error(ErrorKind::model, "the provider wrote no context binary");
  files.facts.emplace_back("spill and fill bytes", std::to_string(int_attribute(node, "max_size", 0)));
  files.facts.emplace_back("SDK", string_attribute(node, "ep_sdk_version", ""));
  for (const auto& property : written.metadata_props()) {
    if (property.key().starts_with("ep_compatibility_info")) files.facts.emplace_back("compatibility", property.value());
  }
  const Session again(wrapper, {.provider = &provider, .allow_fallback = false});
  return files;
}

}  // namespace quantize
