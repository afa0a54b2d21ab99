#include "pipeline/options.h"

#include <onnx/defs/schema.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/place.h"
#include "ops/target.h"
#include "optimize/optimize.h"
#include "run/provider.h"

namespace quantize {
namespace {

void validate(const Preprocess& preprocess, const std::function<void(bool, const std::string&)>& require) {
  const std::size_t channels = preprocess.color == ColorOrder::gray ? 1 : 3;
  const auto check = [&](std::span<const float> values, const std::string& option) {
    require(values.size() == 1 || values.size() == channels,
            option + " has " + std::to_string(values.size()) + " values; give one, or one per channel (" + std::to_string(channels) + ")");
    for (const float value : values) require(std::isfinite(value), option + " must be finite");
  };
  check({&preprocess.scale, 1}, "--scale");
  check(preprocess.mean, "--mean");
  check(preprocess.std, "--std");
  for (const float value : preprocess.std) require(value != 0, "--std must not be 0");
}

// What is read or written by a name that the user chose: nothing may be written over any of it.
void refuse_one_place_for_two(const Options& options) {
  const auto exported = options.export_encodings.empty() ? "" : options.export_encodings.string() + ".onnx";
  const std::pair<const char*, std::filesystem::path> read[] = {{"the model", options.model},
                                                                {"--assignment", options.assignment},
                                                                {"--import-encodings", options.import_encodings},
                                                                {"--statistics", options.statistics},
                                                                {"--encodings", options.encodings}};
  const std::pair<const char*, std::filesystem::path> written[] = {{"-o", options.output},
                                                                   {"--save-assignment", options.save_assignment},
                                                                   {"--export-encodings", options.export_encodings},
                                                                   {"--export-encodings, with its model,", exported}};
  std::map<std::filesystem::path, std::string> taken;
  for (const auto& [name, path] : read) {
    if (!path.empty()) taken.emplace(place_of(path), name);
  }
  for (const auto& [name, path] : written) {
    if (path.empty()) continue;
    const auto [place, fresh] = taken.emplace(place_of(path), name);
    if (!fresh)
      throw Error(ErrorKind::usage,
                  std::string(name) + " would overwrite " + place->second + ": " + path.string() + "; choose another name");
  }
}

}  // namespace

void validate(const Options& options) {
  const auto require = [](bool condition, const std::string& text) {
    if (!condition) throw Error(ErrorKind::usage, text);
  };
  require(!options.model.empty(), "no model given");
  require(options.samples > 0, "--samples must be at least 1");
  require(options.holdout > 0 && options.holdout < 1, "--holdout must lie between 0 and 1");
  require(options.scheme.percentile > 50 && options.scheme.percentile <= 100, "--percentile must lie between 50 and 100");
  for (const auto& step : options.without) {
    const auto& known = step_names();
    std::string list;
    for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
    require(std::find(known.begin(), known.end(), step) != known.end(), "--without " + step + ": no such step; known: " + list);
  }
  require(options.latency_runs >= 0, "--latency-runs must not be negative");
  require(options.pictures >= 0, "--pictures must not be negative");
  require(!options.gates.max_miou_drop || !options.labels.empty(), "--max-miou-drop needs --labels");
  require(!options.gates.min_speedup || options.latency_runs > 0, "--min-speedup needs --latency-runs");
  require(options.shard.index >= 1 && options.shard.index <= options.shard.count, "--shard must be written as 3/16: part 3 of 16");
  const std::int64_t newest = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  require(options.opset >= 0 && options.opset <= newest, "--opset must lie between 1 and " + std::to_string(newest));
  require(options.goals.empty() || options.assignment.empty(), "--reach and --assignment exclude each other");
  require(options.goals.empty() || options.import_encodings.empty(), "--reach and --import-encodings exclude each other");
  require(!options.goals.empty() || options.goals.budget.empty(), "--budget limits what --reach may cost; give that too");
  require(options.scheme.block_size == 0 || options.export_encodings.empty(),
          "AIMET's formats, which --export-encodings writes, have no block-wise scales; leave --block-size out");
  validate(options.preprocess, require);
  const auto& target = find_target(options.target);
  require(options.scheme.adapted_to(target).activations == options.scheme.activations,
          "target " + options.target + " needs symmetric activations; leave --activations out");
  require(!options.strict_provider || !options.providers.empty(), "--strict-provider needs a --provider");
  for (const auto& provider : options.providers) parse_provider(provider);
  std::error_code code;
  const auto folder = options.output.has_parent_path() ? options.output.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, code)) {
    throw Error(ErrorKind::output, "the output folder " + folder.string() + " does not exist; create it or choose another with -o");
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorKind::output, "cannot write into the folder " + folder.string() + ": " + std::strerror(errno));
  }
  // A model with such a name is refused when it is loaded.
  const auto no_name = [&](const std::filesystem::path& path) {
    return std::filesystem::status(path, code).type() == std::filesystem::file_type::none;
  };
  if (!no_name(options.model) && no_name(options.output))
    throw Error(ErrorKind::output, "cannot write " + options.output.string() + ": " + code.message());
  if (std::filesystem::exists(options.output, code) && !std::filesystem::is_regular_file(options.output, code) &&
      !std::filesystem::is_directory(options.output, code)) {
    throw Error(ErrorKind::output, options.output.string() + " is not a regular file and would be replaced; give another name with -o");
  }
  if (std::filesystem::is_directory(options.output, code))
    throw Error(ErrorKind::output, options.output.string() + " is a folder; give a file name with -o");
  refuse_one_place_for_two(options);
}

void require_images(const Options& options) {
  if (options.calibration.empty()) throw Error(ErrorKind::usage, "no calibration images given: --calib FOLDER");
}

std::filesystem::path default_output(const std::filesystem::path& model, const Scheme& scheme) {
  auto output = model;
  output.replace_extension(scheme.name + ".onnx");
  return output;
}

bool exchanges_encodings(const Options& options) { return !options.import_encodings.empty() || !options.export_encodings.empty(); }

bool wants_pixels(const Options& options) {
  return options.level != Level::o0 && !options.without.contains("round-to-pixels") && options.input_type == InputType::floats &&
         !exchanges_encodings(options);
}

}  // namespace quantize
