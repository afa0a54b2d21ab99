#include "pipeline/long_form.h"

#include "base/error.h"
#include "base/files.h"
#include "base/shortest.h"
#include "model/large_weights.h"
#include "ops/target.h"
#include "prepare/passes.h"

namespace quantize {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string joined(const std::vector<float>& values) {
  std::vector<std::string> words;
  for (const float value : values) words.push_back(shortest(value));
  return joined(words);
}

// Whatever the file is called.
std::string content_of(const std::filesystem::path& file) { return file.empty() ? "" : fingerprint(read_file(file)); }

// The bits that are others than the scheme's, however the assignment was written down.
std::string exceptions_of(const Scheme& scheme) {
  std::string text;
  std::size_t count = 0;
  const auto add = [&](const std::map<std::string, int>& bits, int usual) {
    for (const auto& [name, value] : bits) {
      if (value != usual) ++count, text += name + " " + std::to_string(value) + "\n";
    }
    text += "\n";
  };
  add(scheme.exceptions.weights, scheme.weight_bits);
  add(scheme.exceptions.activations, scheme.activation_bits);
  return count == 0 ? "" : counted(count, "exception", "exceptions") + " (" + fingerprint(text) + ")";
}

using Settings = std::map<std::string, std::string>;

// Statistics are of the values that these made of the pictures, whether there are pictures at hand now or not.
Settings preprocessing_of(const Preprocess& preprocess) {
  static const char* const layouts[] = {"auto", "nchw", "nhwc"};
  static const char* const resizes[] = {"stretch", "letterbox", "crop"};
  return {{"scale", shortest(preprocess.scale)},
          {"mean", joined(preprocess.mean)},
          {"std", joined(preprocess.std)},
          {"color", to_string(preprocess.color)},
          {"layout", layouts[static_cast<int>(preprocess.layout)]},
          {"resize", resizes[static_cast<int>(preprocess.resize)]}};
}

// The options that decide the graph, what is observed in it and what its encodings mean, those that were given.
Settings settings_of(const Run& run, const Options& options) {
  static const char* const inputs[] = {"", "uint8", "uint8-nhwc"};
  static const char* const outputs[] = {"", "int", "argmax"};
  Settings settings = {{"scheme", options.scheme.name},
                       {"optimize", std::to_string(static_cast<int>(options.level))},
                       {"target", options.target},
                       {"cpu", options.cpu == Cpu::vnni ? "vnni" : ""},
                       {"assignment", exceptions_of(run.scheme)},
                       {"reach", options.goals.empty() ? "" : "given"},
                       {"import-encodings", content_of(options.import_encodings)},
                       {"export-encodings", options.export_encodings.empty() ? "" : "given"},
                       {"input-dtype", inputs[static_cast<int>(options.input_type)]},
                       {"output-dtype", outputs[static_cast<int>(options.output_type)]},
                       {"without", joined(std::vector<std::string>(options.without.begin(), options.without.end()))},
                       {"opset", options.opset == 0 ? "" : std::to_string(options.opset)},
                       {"input-shape", options.input_shape.empty() ? "" : to_string(options.input_shape)},
                       {"quantize-outputs", options.quantize_outputs ? "true" : ""},
                       {"exclude", joined(options.exclusions.nodes)},
                       {"exclude-op", joined(options.exclusions.op_types)},
                       {"exclude-regex", joined(options.exclusions.patterns)}};
  settings.merge(preprocessing_of(options.preprocess));
  std::erase_if(settings, [](const auto& setting) { return setting.second.empty(); });
  return settings;
}

// Of a run that is prepared and equalized.
Origin origin_of(const Run& run, const Options& options) {
  std::string graph = content_fingerprint(run.plan.model.proto);
  for (const auto& tensor : run.plan.placement.observed()) graph += "\n" + tensor;
  const auto& images = run.samples.calibration;
  return {run.original.fingerprint, fingerprint(graph), images.size() > 0 ? images.fingerprint() : "", settings_of(run, options)};
}

Run prepared_run(const Options& options, Context& context) {
  if (options.level != Level::o0 && options.calibration.empty())
    throw Error(ErrorKind::usage, "from -O1 on weights are fitted on images: give --calib FOLDER, or -O0");
  if (options.placement == PlacementMode::measured)
    throw Error(ErrorKind::usage,
                "--placement auto measures anew in every part, which would not fit together: leave it to `quantize MODEL`");
  Run run = plan_run(options, context);
  budget_run(run, options, context);
  equalize_run(run, options, context);
  return run;
}

void refuse_foreign(const Origin& found, const Origin& wanted, const std::set<std::string>& decisive, const std::filesystem::path& file) {
  if (const auto reason = difference(found, wanted, decisive); !reason.empty())
    throw Error(ErrorKind::data, file.string() + " does not fit: " + reason);
}

// Of the float model's values: where a graph is the same for two schemes, so are they. --reach takes samples away to decide on.
std::set<std::string> decisive_for_statistics() { return {"scale", "mean", "std", "color", "layout", "resize", "reach"}; }

// Encodings are the scheme's, and as the runtime and the processors need them. How ranges were chosen is no part of what they mean.
std::set<std::string> decisive_for_encodings() {
  auto names = decisive_for_statistics();
  names.insert({"scheme", "assignment", "import-encodings", "target", "cpu"});
  return names;
}

StatisticsFile fitting_statistics(const Run& run, const Options& options) {
  auto file = read_statistics(read_file(options.statistics), options.statistics);
  refuse_foreign(file.origin, origin_of(run, options), decisive_for_statistics(), options.statistics);
  if (!file.complete()) {
    throw Error(ErrorKind::data, options.statistics.string() + " holds " + std::to_string(file.shards.size()) + " of " +
                                     std::to_string(file.shard_count) + " shards; merge them first (quantize merge)");
  }
  return file;
}

void take_encodings(Run& run, const Options& options) {
  auto file = read_encodings(read_file(options.encodings), options.encodings);
  refuse_foreign(file.origin, origin_of(run, options), decisive_for_encodings(), options.encodings);
  try {
    check_encodings(file.encodings, run.plan.model, run.plan.placement);
  } catch (const Error& error) {
    throw Error(error.kind(), options.encodings.string() + " cannot be used: " + error.what());
  }
  run.plan.encodings = std::move(file.encodings);
}

// Of a part of the job that evaluates nothing: the labels may be on another machine.
Run run_without_labels(Options options, Context& context) {
  options.labels.clear();
  return prepared_run(options, context);
}

}  // namespace

StatisticsFile calibrate_model(const Options& options, Context& context) {
  validate(options, {}, Written::json);
  require_images(options);
  Run run = run_without_labels(options, context);
  StatisticsFile file;
  file.origin = origin_of(run, options);
  file.shard_count = options.shard.count;
  file.shards = {options.shard.index};
  run.samples.calibration = run.samples.calibration.shard(options.shard.index - 1, options.shard.count);
  if (options.shard.count > 1) run.seen = {};  // numbers among all samples, of which other shards run some
  file.samples = run.samples.calibration.size();
  observe_run(run, context);
  file.statistics = std::move(run.statistics);
  return file;
}

EncodingsFile encode_model(const Options& options, Context& context) {
  validate(options, {}, Written::json);
  if (!options.goals.empty())
    throw Error(ErrorKind::usage, "--reach chooses encodings while it makes the model: give it to apply, with --statistics");
  Run run = run_without_labels(options, context);
  auto statistics = fitting_statistics(run, options);
  run.statistics = std::move(statistics.statistics);
  encode_run(run, options, context);
  guard_run(run, options);
  Origin origin = origin_of(run, options);
  origin.data = statistics.origin.data;
  return {std::move(origin), std::move(run.plan.encodings)};
}

Outcome apply_to_model(const Options& options, Context& context) {
  validate_with_reports(options, Written::model);
  if (options.statistics.empty() && (options.level != Level::o0 || !options.goals.empty()))
    throw Error(ErrorKind::usage, "weights are fitted with the statistics at hand: give --statistics FILE too, or -O0");
  const Stopwatch watch;
  Run run = prepared_run(options, context);
  if (!options.statistics.empty()) run.statistics = fitting_statistics(run, options).statistics;
  if (!options.goals.empty()) {
    mix_run(run, options, context);
  } else if (options.encodings.empty()) {
    encode_run(run, options, context);
    fit_run(run, options, context);
  } else {
    take_encodings(run, options);
    if (options.level != Level::o0) fit_run(run, options, context);
  }
  return finish_run(run, options, watch, context);
}

}  // namespace quantize
