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
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/place.h"
#include "ops/target.h"
#include "optimize/optimize.h"
#include "pipeline/output_names.h"
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
  require(preprocess.scale != 0, "--scale must not be 0");
  check(preprocess.mean, "--mean");
  check(preprocess.std, "--std");
  for (const float value : preprocess.std) require(value != 0, "--std must not be 0");
}

// A share that is meant as a percentage would be missed by every model, or met by every one.
void require_shares(const Gates& gates, const std::function<void(bool, const std::string&)>& require) {
  const auto check = [&](const std::optional<double>& share, const std::string& option) {
    if (share) require(*share >= 0 && *share <= 1, option + " must lie between 0 and 1: 0.97 stands for 97 %");
  };
  check(gates.min_agreement, "--min-agreement");
  check(gates.min_miou, "--min-miou");
  const auto drop = gates.max_miou_drop.value_or(0);
  require(drop >= -1 && drop < 1, "--max-miou-drop must be at least -1 and less than 1: 0.01 stands for 1 %");
}

using NamedPaths = std::vector<std::pair<const char*, std::filesystem::path>>;

// What is written by a name that the user chose.
NamedPaths written_files(const Options& options) {
  NamedPaths files = {{"-o", options.output}};
  if (!options.save_assignment.empty()) files.emplace_back("--save-assignment", options.save_assignment);
  if (!options.export_encodings.empty()) {
    files.emplace_back("--export-encodings", options.export_encodings);
    files.emplace_back("--export-encodings, with its model,", options.export_encodings.string() + ".onnx");
  }
  return files;
}

// No place may be written to that is read, or written to by another name.
void refuse_one_place_for_two(const NamedPaths& read, const NamedPaths& written) {
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

NamedPaths read_files(const Options& options) {
  return {{"the model", options.model},         {"--config", options.config_file},
          {"--assignment", options.assignment}, {"--import-encodings", options.import_encodings},
          {"--statistics", options.statistics}, {"--encodings", options.encodings}};
}

// A pipe is empty when the model is measured beside the result.
void refuse_what_is_read_once(const std::filesystem::path& model) {
  using std::filesystem::file_type;
  std::error_code code;
  const auto type = std::filesystem::status(model, code).type();
  if (type == file_type::fifo || type == file_type::socket || type == file_type::character)
    throw Error(ErrorKind::model, model.string() + " is a pipe or device; the model is read more than once, so give it as a file");
}

// What could not be written at the end of a run is said at its beginning.
void refuse_bad_places(const Options& options) {
  std::error_code code;
  if (!std::filesystem::exists(options.model, code)) return;  // refused when it is loaded; the result's place may follow from its name
  for (const auto& [name, path] : written_files(options)) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    if (!std::filesystem::is_directory(folder, code))
      throw Error(ErrorKind::output, "the output folder " + folder.string() + " does not exist; create it or give " + name + " another");
    if (::access(folder.c_str(), W_OK) != 0)
      throw Error(ErrorKind::output, "cannot write into the folder " + folder.string() + ": " + std::strerror(errno));
    refuse_to_replace(path);
  }
}

}  // namespace

void validate(const Options& options, const std::vector<std::filesystem::path>& beside, std::optional<Written> output) {
  const auto require = [](bool condition, const std::string& text) {
    if (!condition) throw Error(ErrorKind::usage, text);
  };
  require(!options.model.empty(), "no model given");
  require(options.samples > 0, "--samples must be at least 1");
  require(options.holdout > 0 && options.holdout < 1, "--holdout must lie between 0 and 1");
  require(options.scheme.percentile >= 99 && options.scheme.percentile <= 100,
          "--percentile must lie between 99 and 100: a range that cuts off more than 1 % of the values is widened");
  for (const auto& step : options.without) {
    const auto& known = step_names();
    std::string list;
    for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
    require(std::find(known.begin(), known.end(), step) != known.end(), "--without " + step + ": no such step; known: " + list);
  }
  require(options.latency_runs >= 0, "--latency-runs must not be negative");
  require(options.pictures >= 0, "--pictures must not be negative");
  require_shares(options.gates, require);
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
  require(!options.quantize_outputs || !target.fuses_what_follows,
          "target " + options.target + " computes its outputs in float; leave --quantize-outputs out");
  require(!options.strict_provider || !options.providers.empty(), "--strict-provider needs a --provider");
  for (const auto& provider : options.providers) refuse_unknown_provider(parse_provider(provider));
  require(options.goals.empty() || options.encodings.empty(), "--reach chooses encodings itself: leave --encodings out");
  refuse_what_is_read_once(options.model);
  if (!options.writes) return;
  refuse_bad_places(options);
  NamedPaths written = written_files(options);
  for (const auto& path : beside) written.emplace_back("what goes beside -o", path);
  refuse_one_place_for_two(read_files(options), written);
  if (output) refuse_name_of_another_kind("-o", options.output, *output);
  if (!options.save_assignment.empty()) refuse_name_of_another_kind("--save-assignment", options.save_assignment, Written::json);
  if (!options.export_encodings.empty()) refuse_name_of_another_kind("--export-encodings", options.export_encodings, Written::json);
}

void validate_with_reports(const Options& options, std::optional<Written> output) {
  const auto [json, html, junit, markdown] = report_files(options.output);
  validate(options, {json, html, junit, markdown}, output);
}

void refuse_to_overwrite(const std::vector<std::string>& data_files, const Options& options) {
  NamedPaths weights, written = written_files(options);
  for (const auto& file : data_files) weights.emplace_back("the model's weights", file);
  written.emplace_back("the weights of a large result", options.output.string() + ".data");
  refuse_one_place_for_two(weights, written);
}

void require_images(const Options& options) {
  if (options.calibration.empty()) throw Error(ErrorKind::usage, "no calibration images given: --calib FOLDER");
}

std::filesystem::path with_ending(std::filesystem::path file, const std::string& ending) {
  const auto extension = file.extension();
  if (extension == ".onnx" || extension == ".json" || extension == ".html") file.replace_extension();
  return file += ending;
}

ReportFiles report_files(const std::filesystem::path& model) {
  const auto named = [&](const char* ending) { return with_ending(model, ending); };
  return {named(".report.json"), named(".report.html"), named(".report.xml"), named(".report.md")};
}

std::filesystem::path default_output(const std::filesystem::path& model, const Scheme& scheme) {
  return with_ending(model, "." + scheme.name + ".onnx");
}

bool exchanges_encodings(const Options& options) { return !options.import_encodings.empty() || !options.export_encodings.empty(); }

bool wants_pixels(const Options& options) {
  return options.level != Level::o0 && !options.without.contains("round-to-pixels") && options.input_type == InputType::floats &&
         !exchanges_encodings(options);
}

}  // namespace quantize
