#include "encode/assignment_file.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/no_json.h"

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

// Throws Error{data}.
Json open(const std::filesystem::path& path, const Model& model) {
  const auto refuse = [&](const std::string& text) {
    throw Error(ErrorKind::data, "cannot use the assignment " + path.string() + ": " + text);
  };
  const std::string text = read_file(path);
  Json file;
  try {
    file = Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorKind::data, path.string() + " is " + no_json(text, error.byte) + ", and so no assignment");
  }
  if (!file.is_object() || file.value("format", Json()) != format_name) refuse(std::string("it is no ") + format_name);
  if (file.value("version", Json()) != format_version) refuse("this program reads version " + std::to_string(format_version));
  if (file.contains("model") && file["model"] != model.fingerprint) refuse("it was made for another model than " + model.path.string());
  return file;
}

// What may have been edited, and what the command line contradicts.
Assignment bits_of(const Json& file, const Scheme& scheme) {
  for (const auto& [key, value] : file.items()) {
    const bool known = key == "format" || key == "version" || key == "model" || key == "scheme" || key == "weights" || key == "activations";
    require(known, "unknown key \"" + key + "\"");
  }
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
  const Json json = open(file, model);
  try {
    return bits_of(json, scheme);
  } catch (const std::invalid_argument& error) {
    throw Error(ErrorKind::usage, "cannot use the assignment " + file.string() + ": " + error.what());
  }
}

}  // namespace quantize
