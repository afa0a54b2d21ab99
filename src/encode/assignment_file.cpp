#include "encode/assignment_file.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"

namespace quantize {
namespace {

constexpr const char* format_name = "quantize assignment";
constexpr int format_version = 1;

using Json = nlohmann::ordered_json;

Json to_json(int bits) { return bits == float_bits ? Json("float") : Json(bits); }

// Throws std::invalid_argument for anything but a number or "float"; which numbers make sense is for check_assignment() to say.
int from_json(const std::string& name, const Json& value) {
  if (value.is_number_integer()) return value.get<int>();
  if (value == "float") return float_bits;
  throw std::invalid_argument("'" + name + "' must be given 4, 8, 16 or \"float\"");
}

std::map<std::string, int> read_bits(const Json& file, const char* key) {
  std::map<std::string, int> bits;
  if (!file.contains(key)) return bits;
  if (!file[key].is_object()) throw std::invalid_argument(std::string("\"") + key + "\" must be an object of names and bits");
  for (const auto& [name, value] : file[key].items()) bits[name] = from_json(name, value);
  return bits;
}

void require(bool holds, const std::string& text) {
  if (!holds) throw std::invalid_argument(text);
}

Assignment parse(const std::string& text, const Scheme& scheme, const Model& model) {
  const Json file = Json::parse(text);
  require(file.is_object() && file.value("format", Json()) == format_name, std::string("it is no ") + format_name);
  require(file.value("version", Json()) == format_version, "this program reads version " + std::to_string(format_version));
  for (const auto& [key, value] : file.items()) {
    const bool known = key == "format" || key == "version" || key == "model" || key == "scheme" || key == "weights" || key == "activations";
    require(known, "unknown key \"" + key + "\"");
  }
  require(!file.contains("model") || file["model"] == model.fingerprint, "it was made for another model than " + model.path.string());
  require(!file.contains("scheme") || file["scheme"] == scheme.name,
          "it was made for scheme " + file.value("scheme", Json()).dump() + "; give that with --scheme");
  return {read_bits(file, "weights"), read_bits(file, "activations")};
}

}  // namespace

std::string write_assignment(const Scheme& scheme, const Placement& placement, const Model& model) {
  Json weights = Json::object(), activations = Json::object();
  const auto stored = stored_bits(placement, scheme.exceptions, scheme.weight_bits);
  for (const auto& [number, op] : placement.weighted) {
    const auto& node = placement.decisions[static_cast<std::size_t>(number)].node;
    const auto found = scheme.exceptions.weights.find(node);
    const bool left_float = found != scheme.exceptions.weights.end() && found->second == float_bits;
    weights[node] = to_json(left_float ? float_bits : stored.at(op.weight));
  }
  for (const auto& group : placement.groups) {
    if (!group.is_pixels) activations[group.name()] = scheme_for_activations(scheme, group).activation_bits;
  }
  const Json file = {{"format", format_name}, {"version", format_version}, {"model", model.fingerprint},
                     {"scheme", scheme.name}, {"weights", weights},        {"activations", activations}};
  return file.dump(2) + "\n";
}

Assignment read_assignment(const std::filesystem::path& file, const Scheme& scheme, const Model& model) {
  std::string text;
  try {
    text = read_file(file);
    return parse(text, scheme, model);
  } catch (const Error& error) {
    throw Error(ErrorKind::usage, error.what());
  } catch (const std::exception& error) {  // the JSON library's own words name the place
    throw Error(ErrorKind::usage, "cannot use the assignment " + file.string() + ": " + error.what());
  }
}

}  // namespace quantize
