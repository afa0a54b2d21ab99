#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/lower_case.h"
#include "base/no_json.h"
#include "encode/foreign_encodings.h"

namespace quantize {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::data, what); }

ElementType integer_type(int bits, bool is_signed) {
  using Proto = onnx::TensorProto;
  switch (bits) {
    case 4:
      return is_signed ? Proto::INT4 : Proto::UINT4;
    case 8:
      return is_signed ? Proto::INT8 : Proto::UINT8;
    case 16:
      return is_signed ? Proto::INT16 : Proto::UINT16;
    default:
      refuse("integers of " + std::to_string(bits) + " bits are not supported; 4, 8 and 16 are");
  }
}

// "int8", "uint16", "QInt4", "QuantType.QUInt8"
ElementType integer_type(std::string name) {
  name = lower_case(std::move(name));
  if (const auto dot = name.rfind('.'); dot != std::string::npos) name.erase(0, dot + 1);
  if (name.starts_with('q')) name.erase(0, 1);
  for (const int bits : {4, 8, 16}) {
    if (name == "int" + std::to_string(bits)) return integer_type(bits, true);
    if (name == "uint" + std::to_string(bits)) return integer_type(bits, false);
  }
  refuse("the type '" + name + "' is not supported; int and uint of 4, 8 and 16 bits are");
}

// A field that has to be there.
const Json& field(const Json& entry, const char* key) {
  if (!entry.is_object()) refuse("an entry is no object of fields");
  const auto found = entry.find(key);
  if (found == entry.end()) refuse("it has no \"" + std::string(key) + "\"");
  return *found;
}

// The field as a value of that type.
template <typename T>
T field_as(const Json& entry, const char* key) {
  try {
    return field(entry, key).get<T>();
  } catch (const Json::exception&) {
    refuse("its \"" + std::string(key) + "\" cannot be " + field(entry, key).dump());
  }
}

float positive_scale(const Json& value) {
  const auto scale = value.get<float>();
  if (!std::isfinite(scale) || scale <= 0) refuse("the scale " + value.dump() + " is not a positive number");
  return scale;
}

std::vector<double> numbers(const Json& entry, const char* key) {
  const Json& value = field(entry, key);
  if (!value.is_array()) return {field_as<double>(entry, key)};
  std::vector<double> all;
  for (const auto& one : value) {
    if (one.is_array()) refuse("scales in blocks are not supported");
    if (!one.is_number()) refuse("its \"" + std::string(key) + "\" cannot hold " + one.dump());
    all.push_back(one.get<double>());
  }
  return all;
}

std::int32_t whole(double value) {
  if (value != std::nearbyint(value) || std::abs(value) > 2147483647.0)
    refuse("the zero point " + std::to_string(value) + " is not a whole number");
  return static_cast<std::int32_t>(value);
}

void set_scales(TensorOverride& result, const std::vector<double>& scales, const std::vector<double>& zero_points) {
  if (scales.empty() || scales.size() != zero_points.size())
    refuse(std::to_string(scales.size()) + " scales and " + std::to_string(zero_points.size()) + " zero points do not fit");
  for (const double scale : scales) result.scale.push_back(positive_scale(scale));
  for (const double zero : zero_points) result.zero_point.push_back(whole(zero));
}

// AIMET's offset on an unsigned grid -> the zero point of the type.
TensorOverride from_offsets(int bits, bool is_signed, const std::vector<double>& scales, const std::vector<double>& offsets) {
  TensorOverride result;
  result.type = integer_type(bits, is_signed);
  std::vector<double> zero_points(offsets.size());
  const double middle = is_signed ? std::ldexp(1.0, bits - 1) : 0.0;
  std::ranges::transform(offsets, zero_points.begin(), [&](double offset) { return -offset - middle; });
  set_scales(result, scales, zero_points);
  return result;
}

// Of a list with an entry for each channel.
const Json& first_of(const Json& list) {
  if (!list.is_array() || list.empty()) refuse("its entry is no list of encodings");
  return list.front();
}

std::optional<TensorOverride> aimet_0_6_1(const Json& entry) {
  const Json& first = first_of(entry);
  if (field(first, "dtype") != "int") return {};
  std::vector<double> scales, offsets;
  for (const auto& channel : entry) {
    scales.push_back(field_as<double>(channel, "scale"));
    offsets.push_back(field_as<double>(channel, "offset"));
  }
  const Json& symmetric = field(first, "is_symmetric");
  return from_offsets(field_as<int>(first, "bitwidth"), symmetric == "True" || symmetric == true, scales, offsets);
}

std::optional<TensorOverride> aimet_1_0_0(const Json& entry) {
  if (field(entry, "dtype") != "INT") return {};
  const auto kind = field_as<std::string>(entry, "enc_type");
  if (kind != "PER_TENSOR" && kind != "PER_CHANNEL")
    refuse("encodings of kind " + kind + " are not supported; PER_TENSOR and PER_CHANNEL are");
  if (entry.contains("zero_point_shift")) refuse("a shift of the zero point is not supported");
  return from_offsets(field_as<int>(entry, "bw"), field_as<bool>(entry, "is_sym"), numbers(entry, "scale"), numbers(entry, "offset"));
}

std::optional<TensorOverride> aimet_2_0_0(const Json& entry) {
  const auto type = field_as<std::string>(entry, "output_dtype");
  if (type.find("int") == std::string::npos) return {};
  if (entry.contains("block_size") || entry.contains("per_block_int_scale")) refuse("scales in blocks are not supported");
  TensorOverride result;
  result.type = integer_type(type);
  const auto scales = numbers(entry, "y_scale");
  const bool zero = !entry.contains("y_zero_point") || entry.at("y_zero_point").is_null();
  set_scales(result, scales, zero ? std::vector<double>(scales.size()) : numbers(entry, "y_zero_point"));
  return result;
}

// One dictionary per tensor, or one per channel.
std::optional<TensorOverride> onnxruntime(const Json& entry) {
  TensorOverride result;
  if (entry.empty()) return {};
  const Json& first = first_of(entry);
  if (first.contains("convert")) refuse("'convert' is not supported");
  if (first.contains("quant_type")) result.type = integer_type(field_as<std::string>(first, "quant_type"));
  if (first.contains("symmetric")) result.symmetry = field_as<bool>(first, "symmetric") ? Symmetry::symmetric : Symmetry::asymmetric;
  if (first.contains("scale")) {
    std::vector<double> scales, zero_points;
    for (const auto& channel : entry) {
      const auto more_scales = numbers(channel, "scale"), more_zeros = numbers(channel, "zero_point");
      scales.insert(scales.end(), more_scales.begin(), more_scales.end());
      zero_points.insert(zero_points.end(), more_zeros.begin(), more_zeros.end());
    }
    set_scales(result, scales, zero_points);
    return result;
  }
  if (entry.size() > 1 && (first.contains("rmin") || first.contains("rmax"))) refuse("a range per channel is not supported; give scales");
  if (first.contains("rmin")) result.low = field_as<double>(first, "rmin");
  if (first.contains("rmax")) result.high = field_as<double>(first, "rmax");
  return result;
}

using ReadEntry = std::optional<TensorOverride> (*)(const Json& entry);

class Reader {
 public:
  explicit Reader(std::filesystem::path file) : file_(std::move(file)) {}

  void add(const std::string& name, const Json& entry, ReadEntry read) {
    try {
      if (auto one = read(entry)) overrides[name] = std::move(*one);
    } catch (const Error& error) {
      refuse(file_.string() + ": tensor '" + name + "': " + error.what());
    }
  }

  // A list of entries with a name each.
  void add_list(const Json& list, ReadEntry read) {
    if (!list.is_array()) refuse(file_.string() + ": the encodings are not a list");
    for (const auto& entry : list) {
      if (!entry.is_object() || !entry.contains("name") || !entry.at("name").is_string())
        refuse(file_.string() + ": an encoding has no name");
      add(entry.at("name"), entry, read);
    }
  }

  void add_map(const Json& map, ReadEntry read) {
    if (!map.is_object()) refuse(file_.string() + ": the encodings are not a map from names");
    for (const auto& [name, entry] : map.items()) add(name, entry, read);
  }

  Overrides overrides;

 private:
  std::filesystem::path file_;
};

Json parse(std::string_view json, const std::filesystem::path& name) {
  try {
    return Json::parse(json);
  } catch (const Json::parse_error& error) {
    refuse(name.string() + " does not hold a JSON object: it is " + no_json(json, error.byte));
  }
}

}  // namespace

Overrides parse_overrides(std::string_view json, const std::filesystem::path& name) {
  const Json file = parse(json, name);
  if (!file.is_object()) refuse(name.string() + " does not hold a JSON object");
  Reader reader(name);
  const auto version = file.find("version");
  if (version == file.end()) {
    const bool lists = std::all_of(file.begin(), file.end(), [](const Json& entry) { return entry.is_array(); });
    if (!lists) refuse(name.string() + " holds neither AIMET's encodings nor ONNX Runtime's TensorQuantOverrides");
    reader.add_map(file, onnxruntime);
    return reader.overrides;
  }
  const auto part = [&](const char* key) -> const Json& {
    const auto found = file.find(key);
    if (found == file.end()) refuse(name.string() + " has no " + key);
    return *found;
  };
  if (*version == "0.6.1") {
    for (const char* key : {"activation_encodings", "param_encodings"}) reader.add_map(part(key), aimet_0_6_1);
  } else if (*version == "1.0.0") {
    for (const char* key : {"activation_encodings", "param_encodings"}) reader.add_list(part(key), aimet_1_0_0);
  } else if (*version == "2.0.0") {
    reader.add_list(part("encodings"), aimet_2_0_0);
  } else {
    refuse(name.string() + " holds AIMET's encodings of version " + version->dump() + "; 0.6.1, 1.0.0 and 2.0.0 are known");
  }
  return reader.overrides;
}

Overrides read_overrides(const std::filesystem::path& file) { return parse_overrides(read_file(file), file); }

}  // namespace quantize
