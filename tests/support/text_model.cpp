#include "support/text_model.h"

#include <onnx/defs/parser.h>

#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "model/graph.h"
#include "model/tensor.h"

namespace quantize::test {
namespace {

// The same on every machine: the generator's bits are specified by the standard, the library's distributions are not.
std::vector<float> values_for(const std::string& name, std::size_t count) {
  std::seed_seq seed(name.begin(), name.end());
  std::mt19937 generator(seed);
  const bool positive = name.ends_with("var");
  std::vector<float> values(count);
  for (auto& value : values) {
    const float unit = static_cast<float>(generator() >> 8) / static_cast<float>(1 << 24);
    value = positive ? 0.5F + unit : 2 * unit - 1;
  }
  return values;
}

void fill_declared(onnx::GraphProto& graph) {
  std::set<std::string> made;
  for (const auto& node : graph.node()) made.insert(node.output().begin(), node.output().end());
  onnx::GraphProto declared;
  declared.mutable_value_info()->Swap(graph.mutable_value_info());
  for (const auto& value : declared.value_info()) {
    if (made.contains(value.name())) {
      *graph.add_value_info() = value;
      continue;
    }
    Shape shape;
    for (const auto& dimension : value.type().tensor_type().shape().dim()) shape.push_back(dimension.dim_value());
    const auto values = values_for(value.name(), static_cast<std::size_t>(element_count(shape)));
    *graph.add_initializer() =
        make_float_tensor(value.name(), shape, static_cast<ElementType>(value.type().tensor_type().elem_type()), values);
  }
}

}  // namespace

Model text_model(std::string_view text, int opset, int ir_version) {
  std::string whole(text);
  if (whole.find_first_not_of(" \n") != whole.find('<')) {
    whole = "<ir_version: " + std::to_string(ir_version) + ", opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + whole;
  }
  Model model;
  model.path = "test.onnx";
  const auto status = onnx::OnnxParser::Parse(model.proto, whole.c_str());
  if (!status.IsOK()) throw std::runtime_error("text model: " + status.ErrorMessage());
  fill_declared(model.graph());
  return model;
}

int count_nodes(const Model& model, std::string_view op_type) {
  int count = 0;
  for (const auto& node : model.graph().node()) count += static_cast<int>(node.op_type() == op_type);
  return count;
}

std::string operators(const Model& model) {
  std::string text;
  for (const auto& node : model.graph().node()) text += (text.empty() ? "" : " ") + node.op_type();
  return text;
}

const onnx::NodeProto& node_of(const Model& model, const std::string& tensor) {
  for (const auto& node : model.graph().node()) {
    for (const auto& output : node.output()) {
      if (output == tensor) return node;
    }
  }
  throw std::runtime_error("no node makes '" + tensor + "'");
}

const onnx::TensorProto& initializer_of(const Model& model, const std::string& tensor) {
  for (const auto& initializer : model.graph().initializer()) {
    if (initializer.name() == tensor) return initializer;
  }
  throw std::runtime_error("no initializer '" + tensor + "'");
}

}  // namespace quantize::test
