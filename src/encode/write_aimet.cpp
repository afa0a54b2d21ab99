#include <nlohmann/json.hpp>

#include "base/error.h"
#include "encode/foreign_encodings.h"

namespace quantize {
namespace {

using Json = nlohmann::ordered_json;

struct Type {
  int bits = 8;
  bool is_signed = false;
};

Type type_of(const Encoding& encoding) {
  const std::string name = type_name(encoding.type);  // "int8", "uint16"
  const bool is_signed = name.front() == 'i';
  return {std::stoi(name.substr(is_signed ? 3 : 4)), is_signed};
}

// AIMET's offset counts from an unsigned grid: real = scale * (unsigned integer + offset).
double offset_of(const Type& type, std::int32_t zero_point) {
  return -(static_cast<double>(zero_point) + (type.is_signed ? static_cast<double>(1LL << (type.bits - 1)) : 0.0));
}

Json entry_0_6_1(const Encoding& encoding) {
  const Type type = type_of(encoding);
  Json list = Json::array();
  for (std::size_t i = 0; i < encoding.scale.size(); ++i) {
    const double scale = encoding.scale[i], offset = offset_of(type, encoding.zero_point[i]);
    list.push_back({{"bitwidth", type.bits},
                    {"dtype", "int"},
                    {"is_symmetric", type.is_signed ? "True" : "False"},
                    {"max", scale * (offset + static_cast<double>((1LL << type.bits) - 1))},
                    {"min", scale * offset},
                    {"offset", offset},
                    {"scale", scale}});
  }
  return list;
}

Json entry_1_0_0(const std::string& name, const Encoding& encoding) {
  const Type type = type_of(encoding);
  Json scales = Json::array(), offsets = Json::array();
  for (std::size_t i = 0; i < encoding.scale.size(); ++i) {
    scales.push_back(static_cast<double>(encoding.scale[i]));
    offsets.push_back(offset_of(type, encoding.zero_point[i]));
  }
  return {{"name", name},
          {"enc_type", encoding.axis < 0 ? "PER_TENSOR" : "PER_CHANNEL"},
          {"dtype", "INT"},
          {"bw", type.bits},
          {"is_sym", type.is_signed},
          {"scale", scales},
          {"offset", offsets}};
}

Json entry_2_0_0(const std::string& name, const Encoding& encoding) {
  Json entry = {{"name", name}, {"output_dtype", type_name(encoding.type)}};
  const auto value_or_list = [&](const auto& values) {
    if (encoding.axis < 0) return Json(values[0]);
    return Json(values);
  };
  entry["y_scale"] = value_or_list(std::vector<double>(encoding.scale.begin(), encoding.scale.end()));
  if (encoding.has_zero_points()) entry["y_zero_point"] = value_or_list(encoding.zero_point);
  if (encoding.axis >= 0) entry["axis"] = encoding.axis;
  return entry;
}

Json section(const std::map<std::string, Encoding>& encodings, AimetVersion version) {
  Json result = version == AimetVersion::v0_6_1 ? Json::object() : Json::array();
  for (const auto& [name, encoding] : encodings) {
    if (version == AimetVersion::v0_6_1)
      result[name] = entry_0_6_1(encoding);
    else
      result.push_back(version == AimetVersion::v1_0_0 ? entry_1_0_0(name, encoding) : entry_2_0_0(name, encoding));
  }
  return result;
}

}  // namespace

std::string write_aimet(const Encodings& encodings, AimetVersion version) {
  for (const auto& [name, encoding] : encodings.weights) {
    if (encoding.block > 0)
      throw Error(ErrorKind::usage,
                  "weight '" + name + "' has block-wise scales, which are not written in AIMET's formats; leave --block-size out");
  }
  Json file = {{"producer", {{"package", "quantize"}}}};
  if (version == AimetVersion::v2_0_0) {
    file["version"] = "2.0.0";
    file["encodings"] = section(encodings.activations, version);
    for (auto& weight : section(encodings.weights, version)) file["encodings"].push_back(std::move(weight));
  } else {
    file["version"] = version == AimetVersion::v0_6_1 ? "0.6.1" : "1.0.0";
    file["activation_encodings"] = section(encodings.activations, version);
    file["param_encodings"] = section(encodings.weights, version);
  }
  return file.dump(1) + "\n";
}

}  // namespace quantize
