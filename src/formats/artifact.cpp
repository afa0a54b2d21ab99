#include "formats/artifact.h"

#include <set>

namespace quantize {

std::string difference(const Origin& found, const Origin& wanted) {
  if (found.model != wanted.model) return "it was made from another model (or this one has changed since)";
  const auto of = [](const std::map<std::string, std::string>& settings, const std::string& name) {
    const auto place = settings.find(name);
    return place == settings.end() || place->second.empty() ? std::string("nothing") : place->second;
  };
  if (!wanted.data.empty() && !found.data.empty() && found.data != wanted.data)
    return "it was made from other images or pre-processing (or the images have changed since)";
  if (found.graph == wanted.graph) return "";
  for (const auto& [name, value] : wanted.settings) {
    if (of(found.settings, name) == value) continue;
    return "it was made with --" + name + " " + of(found.settings, name) + ", this run has " + (value.empty() ? "nothing" : value) +
           "; give the same options, or make it again";
  }
  return "this program, this machine, or other options (--export-encodings, --import-encodings) prepare the model differently; make it "
         "again";
}

Json to_json(const Origin& origin) {
  Json settings = Json::object();
  for (const auto& [name, value] : origin.settings) settings[name] = value;
  return {{"model", origin.model}, {"graph", origin.graph}, {"data", origin.data}, {"settings", std::move(settings)}};
}

Origin origin_from(const Json& json) {
  Origin origin{json.at("model").get<std::string>(), json.at("graph").get<std::string>(), json.at("data").get<std::string>(), {}};
  for (const auto& [name, value] : json.at("settings").items()) origin.settings[name] = value.get<std::string>();
  return origin;
}

}  // namespace quantize
