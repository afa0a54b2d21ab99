#include "formats/artifact.h"

namespace quantize {
namespace {

using Settings = std::map<std::string, std::string>;

std::string value_of(const Settings& settings, const std::string& name) {
  const auto place = settings.find(name);
  return place == settings.end() ? "" : place->second;
}

// "--reach", "--scheme w8a8": of some options it is only known that they were given.
std::string as_typed(const std::string& name, const std::string& value) {
  return "--" + name + (value == "given" || value == "true" ? "" : " " + value);
}

// The first setting that differs, of those in `which` (all where it is null); one may stand on either side alone.
std::string first_difference(const Settings& found, const Settings& wanted, const std::set<std::string>* which) {
  Settings all = found;
  all.insert(wanted.begin(), wanted.end());
  for (const auto& [name, value] : all) {
    const auto before = value_of(found, name), now = value_of(wanted, name);
    if (before == now || (which != nullptr && !which->contains(name))) continue;
    const std::string then = before.empty() ? "without --" + name : "with " + as_typed(name, before);
    const std::string here = now.empty() ? "does without" : "has " + (before.empty() || before == "given" ? as_typed(name, now) : now);
    return "it was made " + then + ", this run " + here + "; give the same options, or make it again";
  }
  return "";
}

}  // namespace

std::string difference(const Origin& found, const Origin& wanted, const std::set<std::string>& decisive) {
  if (found.model != wanted.model) return "it was made from another model (or this one has changed since)";
  if (wanted.settings.contains("color") && !found.settings.contains("color"))  // which there always is
    return "it was made by an earlier version of this program; make it again";
  if (auto reason = first_difference(found.settings, wanted.settings, &decisive); !reason.empty()) return reason;
  if (!wanted.data.empty() && !found.data.empty() && found.data != wanted.data)
    return "it was made from other images or pre-processing (or the images have changed since; --test and --holdout must be the same, too)";
  if (found.graph == wanted.graph) return "";
  if (auto reason = first_difference(found.settings, wanted.settings, nullptr); !reason.empty()) return reason;
  return "this program, this machine, or other options prepare the model differently; make it again";
}

Json to_json(const Origin& origin) {
  Json settings = Json::object();
  for (const auto& [name, value] : origin.settings) settings[name] = value;
  return {{"model", origin.model}, {"graph", origin.graph}, {"data", origin.data}, {"settings", std::move(settings)}};
}

Origin origin_from(const Json& json) {
  Origin origin{
      field<std::string>(json, "model", "text"), field<std::string>(json, "graph", "text"), field<std::string>(json, "data", "text"), {}};
  origin.settings = field<std::map<std::string, std::string>>(json, "settings", "an object of texts");
  return origin;
}

}  // namespace quantize
