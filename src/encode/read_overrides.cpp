#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/lower_case.h"
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

float positive_scale(const Json& value) {
  const auto scale = value.get<float>();
  if (!std::isfinite(scale) || scale <= 0) refuse("the scale " + value.dump() + " is not a positive number");
  return scale;
}

std::vector<double> numbers(const Json& value) {
  if (!value.is_array()) return {value.get<double>()};
  std::vector<double> all;
  for (const auto& one : value) {
    if (one.is_array()) refuse("scales in blocks are not supported");
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

std::optional<TensorOverride> aimet_0_6_1(const Json& entry) {
  if (entry.at(0).at("dtype") != "int") return {};
  std::vector<double> scales, offsets;
  for (const auto& channel : entry) {
    scales.push_back(channel.at("scale"));
    offsets.push_back(channel.at("offset"));
  }
  const Json& symmetric = entry.at(0).at("is_symmetric");
  return from_offsets(entry.at(0).at("bitwidth"), symmetric == "True" || symmetric == true, scales, offsets);
}

std::optional<TensorOverride> aimet_1_0_0(const Json& entry) {
  if (entry.at("dtype") != "INT") return {};
  const std::string kind = entry.at("enc_type");
  if (kind != "PER_TENSOR" && kind != "PER_CHANNEL")
    refuse("encodings of kind " + kind + " are not supported; PER_TENSOR and PER_CHANNEL are");
  if (entry.contains("zero_point_shift")) refuse("a shift of the zero point is not supported");
  return from_offsets(entry.at("bw"), entry.at("is_sym"), numbers(entry.at("scale")), numbers(entry.at("offset")));
}

std::optional<TensorOverride> aimet_2_0_0(const Json& entry) {
  const std::string type = entry.at("output_dtype");
  if (type.find("int") == std::string::npos) return {};
  if (entry.contains("block_size") || entry.contains("per_block_int_scale")) refuse("scales in blocks are not supported");
  TensorOverride result;
  result.type = integer_type(type);
  const auto scales = numbers(entry.at("y_scale"));
  const bool zero = !entry.contains("y_zero_point") || entry.at("y_zero_point").is_null();
  set_scales(result, scales, zero ? std::vector<double>(scales.size()) : numbers(entry.at("y_zero_point")));
  return result;
}

// One dictionary per tensor, or one per channel.
std::optional<TensorOverride> onnxruntime(const Json& entry) {
  TensorOverride result;
  if (entry.empty()) return {};
  const Json& first = entry.at(0);
  if (first.contains("convert")) refuse("'convert' is not supported");
  if (first.contains("quant_type")) result.type = integer_type(first.at("quant_type").get<std::string>());
  if (first.contains("symmetric")) result.symmetry = first.at("symmetric").get<bool>() ? Symmetry::symmetric : Symmetry::asymmetric;
  if (first.contains("scale")) {
    std::vector<double> scales, zero_points;
    for (const auto& channel : entry) {
      const auto more_scales = numbers(channel.at("scale")), more_zeros = numbers(channel.at("zero_point"));
      scales.insert(scales.end(), more_scales.begin(), more_scales.end());
      zero_points.insert(zero_points.end(), more_zeros.begin(), more_zeros.end());
    }
    set_scales(result, scales, zero_points);
    return result;
  }
  if (entry.size() > 1 && (first.contains("rmin") || first.contains("rmax"))) refuse("a range per channel is not supported; give scales");
  if (first.contains("rmin")) result.low = first.at("rmin").get<double>();
  if (first.contains("rmax")) result.high = first.at("rmax").get<double>();
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
    } catch (const Json::exception& error) {
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

}  // namespace

Overrides parse_overrides(std::string_view json, const std::filesystem::path& name) {
  const Json file = Json::parse(json, nullptr, false);
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
