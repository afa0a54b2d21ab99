#include "formats/json.h"

#include "base/error.h"
#include "base/no_json.h"
#include "formats/dump.h"

namespace quantize {
namespace {

bool holds_objects(const Json& value) { return value.is_object() && !value.empty() && value.begin()->is_object(); }

// The JSON library's own words, without its name for the error: "[json.exception.type_error.302] type must be array, but is number".
std::string reason(const Json::exception& error) {
  const std::string words = error.what();
  const auto end = words.starts_with('[') ? words.find("] ") : std::string::npos;
  return end == std::string::npos ? words : words.substr(end + 2);
}

}  // namespace

void refuse_field(const char* key, const std::string& what) { throw Error(ErrorKind::data, "its \"" + std::string(key) + "\" is " + what); }

void read_json(std::string_view bytes, const std::filesystem::path& name, const std::string& format, int version,
               const std::function<void(const Json&)>& read) {
  try {
    const Json json = Json::parse(bytes);
    if (!json.is_object() || !json.contains("format") || json["format"] != format) throw Error(ErrorKind::data, "it holds no " + format);
    const auto found = field<int>(json, "version", "a number");
    if (found != version) {
      throw Error(ErrorKind::data, "it has version " + std::to_string(found) + " of the format, this program reads " +
                                       std::to_string(version) + "; make it again with this program");
    }
    read(json);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorKind::data, name.string() + " is " + no_json(bytes, error.byte) + ", and so no " + format);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::data, name.string() + " cannot be read: " + reason(error));
  } catch (const Error& error) {
    throw Error(error.kind(), name.string() + " cannot be used: " + error.what());
  }
}

std::string write_json_lines(const Json& json) {
  std::string text = "{";
  for (const auto& [key, value] : json.items()) {
    text += (text.size() == 1 ? "\n  " : ",\n  ") + dump(Json(key)) + ": ";
    if (!holds_objects(value)) {
      text += dump(value);
      continue;
    }
    std::string entries;
    for (const auto& [name, entry] : value.items())
      entries += (entries.empty() ? "\n    " : ",\n    ") + dump(Json(name)) + ": " + dump(entry);
    text += "{" + entries + "\n  }";
  }
  return text + "\n}\n";
}

}  // namespace quantize
