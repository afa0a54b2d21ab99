#include "mixed/goals.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

#include "base/error.h"
#include "base/suggest.h"
#include "evaluate/metrics.h"

namespace quantize {
namespace {

using Thresholds = std::map<std::string, double>;

const double most_db = counted_db(std::numeric_limits<double>::infinity());

// The largest value that makes sense: of decibels, what an exact picture counts for.
const Thresholds& known_figures() {
  static const Thresholds known = {{"psnr", most_db}, {"worst-psnr", most_db}, {"sqnr", most_db}, {"agreement", 1}, {"miou", 1}};
  return known;
}

const Thresholds& known_costs() {
  static const Thresholds known = {{"size", 10}, {"latency", 10}};
  return known;
}

Thresholds parse(const std::string& text, const std::string& option, const Thresholds& known) {
  std::vector<std::string> names;
  for (const auto& entry : known) names.push_back(entry.first);
  Thresholds result;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    const auto equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const auto limit = known.find(name);
    if (limit == known.end()) {
      std::string list;
      for (const auto& each : names) list += (list.empty() ? "" : ", ") + each;
      throw Error(ErrorKind::usage, option + ": '" + name + "' is not known" + did_you_mean(name, names) + " (" + list + ")");
    }
    const std::string number = equals == std::string::npos ? "" : part.substr(equals + 1);
    double value = 0;
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool whole = failure == std::errc() && end == number.data() + number.size();
    if (!whole || !(value > 0) || value > limit->second) {
      char most[32];
      std::snprintf(most, sizeof most, "%g", limit->second);
      const std::string why = limit->second == most_db ? ": that is the rounding of 32-bit floats, and more cannot be measured" : "";
      throw Error(ErrorKind::usage, option + ": '" + part + "' must read " + name + "=NUMBER, above 0 and at most " + most + why);
    }
    if (!result.emplace(name, value).second) throw Error(ErrorKind::usage, option + " gives '" + name + "' twice");
  }
  if (result.empty()) throw Error(ErrorKind::usage, option + " is empty");
  return result;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

Thresholds parse_reach(const std::string& text) { return parse(text, "--reach", known_figures()); }
Thresholds parse_budget(const std::string& text) { return parse(text, "--budget", known_costs()); }

double figure(const Accuracy& accuracy, const std::string& name) {
  if (name == "psnr") return accuracy.psnr_db;
  if (name == "worst-psnr") return accuracy.psnr_db_worst;
  if (name == "sqnr") return accuracy.sqnr_db;
  if (name == "agreement") return accuracy.agreement;
  if (name == "miou") return accuracy.miou_vs_fp32;
  throw Error(ErrorKind::internal, "unknown figure " + name);
}

// One-sided 95 % confidence of a mean: 1.64 standard errors, of the figure's values per image.
double margin(const Accuracy& accuracy, const std::string& name) {
  const auto count = static_cast<double>(accuracy.images.size());
  if (accuracy.images.size() < 2 || name == "miou") return 0;  // that has no value per image
  const auto value = [&](const ImageAccuracy& image) {
    return name == "agreement" ? image.agreement : name == "sqnr" ? counted_db(image.sqnr_db) : counted_db(image.psnr_db);
  };
  double mean = 0, square = 0;
  for (const auto& image : accuracy.images) mean += value(image) / count;
  for (const auto& image : accuracy.images) square += (value(image) - mean) * (value(image) - mean) / (count - 1);
  const double result = 1.64 * std::sqrt(square / count);
  return std::isfinite(result) ? result : 0;
}

double figure(const Cost& cost, const std::string& name) { return name == "size" ? cost.size : cost.latency; }

std::vector<std::string> missed(const Thresholds& reach, const Accuracy& accuracy) {
  std::vector<std::string> lines;
  for (const auto& [name, least] : reach) {
    const double value = figure(accuracy, name), doubt = margin(accuracy, name);
    if (value - doubt >= least) continue;
    const std::string less = doubt > 0 ? " (less " + number(doubt) + " for pictures not seen)" : "";
    lines.push_back(name + " " + number(value) + less + " instead of at least " + number(least));
  }
  return lines;
}

std::vector<std::string> missed(const Thresholds& budget, const Cost& cost) {
  std::vector<std::string> lines;
  for (const auto& [name, most] : budget) {
    const double value = figure(cost, name);
    if (!(value <= most)) lines.push_back(name + " " + number(value) + " instead of at most " + number(most));
  }
  return lines;
}

}  // namespace quantize
