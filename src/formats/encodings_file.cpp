#include "formats/encodings_file.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/error.h"
#include "encode/hazards.h"
#include "encode/weight_encodings.h"
#include "model/graph.h"

namespace quantize {
namespace {

constexpr const char* format = "quantize encodings";
constexpr int version = 1;

[[noreturn]] void fail(const std::string& tensor, const std::string& text) { throw Error(ErrorKind::data, "'" + tensor + "': " + text); }

int bits_of(ElementType type) {
  const IntegerRange range = integer_range(type);
  const auto values = static_cast<std::int64_t>(range.high) - range.low + 1;
  return static_cast<int>(std::lround(std::log2(static_cast<double>(values))));
}

// Zero lies in the middle: the first integer that a symmetric encoding of the type leaves out is the lowest.
bool is_symmetric(const Encoding& encoding) {
  const IntegerRange range = integer_range(encoding.type);
  const std::int32_t middle = range.low < 0 ? 0 : (range.high + 1) / 2;
  return std::all_of(encoding.zero_point.begin(), encoding.zero_point.end(), [&](std::int32_t zero) { return zero == middle; });
}

ElementType integer_type(const std::string& tensor, const std::string& name) {
  for (const auto type : {onnx::TensorProto::INT4, onnx::TensorProto::UINT4, onnx::TensorProto::INT8, onnx::TensorProto::UINT8,
                          onnx::TensorProto::INT16, onnx::TensorProto::UINT16}) {
    if (type_name(type) == name) return type;
  }
  fail(tensor, "'" + name + "' is no integer type of an encoding; known: int4, uint4, int8, uint8, int16, uint16");
}

Json to_json(const Encoding& encoding) {
  Json json = {{"bits", bits_of(encoding.type)},
               {"type", type_name(encoding.type)},
               {"symmetric", is_symmetric(encoding)},
               {"axis", encoding.axis < 0 ? Json(nullptr) : Json(encoding.axis)},
               {"scale", encoding.scale},
               {"zero_point", encoding.zero_point},
               {"method", encoding.method}};
  if (encoding.block > 0) json["block"] = encoding.block;
  if (!encoding.largest.empty()) json["largest"] = encoding.largest;
  return json;
}

// What the file says of it, whether or not that makes an encoding.
struct Entry {
  Encoding encoding;
  std::string type;
  int bits = 0;
  bool symmetric = false;
};

Entry entry_from(const Json& json) {
  constexpr const char *numbers = "a list of numbers", *integers = "a list of integers";
  Entry entry{
      {}, field<std::string>(json, "type", "text"), field<int>(json, "bits", "a number"), field<bool>(json, "symmetric", "true or false")};
  auto& encoding = entry.encoding;
  encoding.axis = json.contains("axis") && json["axis"].is_null() ? -1 : field<int>(json, "axis", "a number or null");
  encoding.scale = field<std::vector<float>>(json, "scale", numbers);
  encoding.zero_point = field<std::vector<std::int32_t>>(json, "zero_point", integers);
  encoding.method = field<std::string>(json, "method", "text");
  if (json.contains("block")) encoding.block = field<int>(json, "block", "a number");
  if (json.contains("largest")) encoding.largest = field<std::vector<std::int32_t>>(json, "largest", integers);
  return entry;
}

Entry entry_of_tensor(const std::string& tensor, const Json& json) {
  try {
    return entry_from(json);
  } catch (const Error& error) {
    fail(tensor, error.what());
  }
}

Encoding encoding_from(const std::string& tensor, const Json& json) {
  auto [encoding, type, bits, symmetric] = entry_of_tensor(tensor, json);
  encoding.type = integer_type(tensor, type);
  if (bits != bits_of(encoding.type)) fail(tensor, "its bits are not those of its type");
  if (symmetric && !is_symmetric(encoding)) fail(tensor, "it is called symmetric, and its zero point is not in the middle");
  if (encoding.scale.empty() || encoding.scale.size() != encoding.zero_point.size())
    fail(tensor, "it needs as many scales as zero points, at least one");
  if (encoding.axis < 0 && (encoding.scale.size() != 1 || encoding.block != 0)) fail(tensor, "several scales need an axis");
  if (encoding.block < 0) fail(tensor, "a block holds at least one value");
  const IntegerRange range = integer_range(encoding.type);
  for (const float scale : encoding.scale) {
    if (!std::isfinite(scale) || scale < FLT_MIN) fail(tensor, "a scale must be a positive, finite, normal number");
  }
  if (!encoding.largest.empty() && encoding.largest.size() != encoding.scale.size())
    fail(tensor, "it needs as many largest integers as scales");
  for (const auto largest : encoding.largest) {
    if (largest < 1 || largest > range.high) fail(tensor, "a largest integer lies outside the type");
  }
  for (const auto zero : encoding.zero_point) {
    if (zero < range.low || zero > range.high) fail(tensor, "a zero point lies outside the type");
  }
  return encoding;
}

std::map<std::string, Encoding> encodings_from(const Json& json, const char* key) {
  std::map<std::string, Encoding> encodings;
  const auto entries = field<Json>(json, key, "an object");
  for (const auto& [tensor, entry] : entries.items()) {
    if (!encodings.emplace(tensor, encoding_from(tensor, entry)).second) fail(tensor, "it stands twice");
  }
  return encodings;
}

bool same(const Encoding& a, const Encoding& b) {
  return a.type == b.type && a.axis == b.axis && a.block == b.block && a.scale == b.scale && a.zero_point == b.zero_point &&
         a.largest == b.largest;
}

const Encoding& entry_of(const std::map<std::string, Encoding>& encodings, const std::string& tensor) {
  const auto found = encodings.find(tensor);
  if (found == encodings.end()) fail(tensor, "it has no entry; to leave nodes float, encode and apply with --exclude");
  return found->second;
}

void check_activation(const std::string& tensor, const Encoding& encoding) {
  if (encoding.axis >= 0) fail(tensor, "an activation has one scale, no axis");
}

void check_weight(const WeightedOp& op, const Encoding& encoding, const onnx::TensorProto& weight, const Placement& placement) {
  if (!is_signed(encoding.type)) fail(op.weight, "weights are of a signed type");
  if (!is_symmetric(encoding) && !may_have_zero_points(placement, encoding))
    fail(op.weight, "its zero point must be 0: others are for 4-bit weights without blocks, where the target takes them");
  if (encoding.has_zero_points() && !encoding.largest.empty()) fail(op.weight, "a largest integer magnitude needs zero points of 0");
  if (encoding.axis < 0) return;
  if (encoding.block > 0) {
    if (encoding.axis != op.input_axis) fail(op.weight, "blocks lie along the input channels of a matrix product or 1x1 convolution");
    const auto scales = element_count(encoding.scale_shape(shape_of(weight)));
    if (encoding.scale.size() != static_cast<std::size_t>(scales))
      fail(op.weight, "it has " + std::to_string(scales) + " blocks and " + std::to_string(encoding.scale.size()) + " scales");
    return;
  }
  if (encoding.axis != op.channel_axis)
    fail(op.weight, "its output channels lie along axis " + std::to_string(op.channel_axis) + ", not " + std::to_string(encoding.axis));
  const auto channels = shape_of(weight)[static_cast<std::size_t>(encoding.axis)];
  if (encoding.scale.size() != static_cast<std::size_t>(channels))
    fail(op.weight, "it has " + std::to_string(channels) + " channels and " + std::to_string(encoding.scale.size()) + " scales");
}

}  // namespace

std::string write_encodings(const EncodingsFile& file) {
  Json activations = Json::object(), weights = Json::object();
  for (const auto& [name, encoding] : file.encodings.activations) activations[name] = to_json(encoding);
  for (const auto& [name, encoding] : file.encodings.weights) weights[name] = to_json(encoding);
  return write_json_lines({{"format", format},
                           {"version", version},
                           {"origin", to_json(file.origin)},
                           {"activations", std::move(activations)},
                           {"weights", std::move(weights)}});
}

EncodingsFile read_encodings(std::string_view bytes, const std::filesystem::path& name) {
  EncodingsFile file;
  read_json(bytes, name, format, version, [&](const Json& json) {
    file.origin = origin_from(field<Json>(json, "origin", "an object"));
    file.encodings = {encodings_from(json, "activations"), encodings_from(json, "weights")};
  });
  return file;
}

void check_encodings(const Encodings& encodings, const Model& model, const Placement& placement) {
  const GraphIndex index(model.graph());
  std::set<std::string> activations(placement.constants.begin(), placement.constants.end()), weights;
  for (const auto& name : placement.constants) check_activation(name, entry_of(encodings.activations, name));
  for (const auto& group : placement.groups) {
    const auto& first = entry_of(encodings.activations, group.members[0]);
    check_activation(group.members[0], first);
    for (const auto& member : group.members) {
      activations.insert(member);
      if (!same(entry_of(encodings.activations, member), first))
        fail(member, "it holds the same values as '" + group.members[0] + "', so both need the same encoding");
    }
  }
  for (const auto& [number, op] : placement.weighted) {
    weights.insert(op.weight);
    Encoding weight = entry_of(encodings.weights, op.weight);
    check_weight(op, weight, *index.initializer(op.weight), placement);
    const auto* bias = index.initializer(op.bias);
    if (!is_quantized_bias(bias, op, encodings)) continue;
    if (protect_bias(weight, float_values(*bias), encodings.activations.at(op.input).scale[0], op.groups) > 0)
      fail(op.weight, "its scale is too small: the int32 bias of " + describe(index.node(number)) + " would overflow");
  }
  for (const auto& [name, encoding] : encodings.activations) {
    if (!activations.contains(name)) fail(name, "the model has no such tensor to quantize; take the entry out");
  }
  for (const auto& [name, encoding] : encodings.weights) {
    if (!weights.contains(name)) fail(name, "the model has no such weight to quantize; take the entry out");
  }
}

}  // namespace quantize
