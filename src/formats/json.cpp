#include "formats/json.h"

#include "base/error.h"
#include "formats/dump.h"

namespace quantize {
namespace {

bool holds_objects(const Json& value) { return value.is_object() && !value.empty() && value.begin()->is_object(); }

}  // namespace

void read_json(std::string_view bytes, const std::filesystem::path& name, const std::string& format, int version,
               const std::function<void(const Json&)>& read) {
  try {
    const Json json = Json::parse(bytes);
    if (!json.is_object() || json.value("format", "") != format) throw Error(ErrorKind::data, "it holds no " + format);
    const auto found = json.at("version").get<int>();
    if (found != version) {
      throw Error(ErrorKind::data, "it has version " + std::to_string(found) + " of the format, this program reads " +
                                       std::to_string(version) + "; make it again with this program");
    }
    read(json);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::data, name.string() + " cannot be read: " + error.what());
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
