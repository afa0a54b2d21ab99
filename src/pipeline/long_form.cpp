#include "pipeline/long_form.h"

#include "base/error.h"
#include "model/large_weights.h"
#include "ops/target.h"

namespace quantize {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// The options that decide the graph and what is observed in it, those that were given.
std::map<std::string, std::string> settings_of(const Options& options) {
  std::map<std::string, std::string> settings = {{"scheme", options.scheme.name},
                                                 {"optimize", std::to_string(static_cast<int>(options.level))},
                                                 {"target", options.target},
                                                 {"assignment", options.assignment.string()},
                                                 {"reach", options.goals.empty() ? "" : "given"},
                                                 {"import-encodings", options.import_encodings.string()},
                                                 {"round-to-pixels", options.level == Level::o0 || wants_pixels(options) ? "" : "no"},
                                                 {"opset", options.opset == 0 ? "" : std::to_string(options.opset)},
                                                 {"input-shape", options.input_shape.empty() ? "" : to_string(options.input_shape)},
                                                 {"quantize-outputs", options.quantize_outputs ? "true" : ""},
                                                 {"exclude", joined(options.exclusions.nodes)},
                                                 {"exclude-op", joined(options.exclusions.op_types)},
                                                 {"exclude-regex", joined(options.exclusions.patterns)}};
  std::erase_if(settings, [](const auto& setting) { return setting.second.empty(); });
  return settings;
}

// Of a run that is prepared and equalized.
Origin origin_of(const Run& run, const Options& options) {
  std::string graph = content_fingerprint(run.plan.model.proto);
  for (const auto& tensor : run.plan.placement.observed()) graph += "\n" + tensor;
  const auto& images = run.samples.calibration;
  return {run.original.fingerprint, fingerprint(graph), images.size() > 0 ? images.fingerprint() : "", settings_of(options)};
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

void refuse_foreign(const Origin& found, const Origin& wanted, const std::filesystem::path& file) {
  if (const auto reason = difference(found, wanted); !reason.empty())
    throw Error(ErrorKind::data, file.string() + " does not fit: " + reason);
}

StatisticsFile fitting_statistics(const Run& run, const Options& options) {
  auto file = read_statistics(read_file(options.statistics), options.statistics);
  refuse_foreign(file.origin, origin_of(run, options), options.statistics);
  if (!file.complete()) {
    throw Error(ErrorKind::data, options.statistics.string() + " holds " + std::to_string(file.shards.size()) + " of " +
                                     std::to_string(file.shard_count) + " shards; merge them first (quantize merge)");
  }
  return file;
}

void take_encodings(Run& run, const Options& options) {
  auto file = read_encodings(read_file(options.encodings), options.encodings);
  refuse_foreign(file.origin, origin_of(run, options), options.encodings);
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
  validate(options);
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
  validate(options);
  if (!options.goals.empty())
    throw Error(ErrorKind::usage, "--reach chooses encodings while it makes the model: give it to apply, with --statistics");
  Run run = run_without_labels(options, context);
  auto statistics = fitting_statistics(run, options);
  run.statistics = std::move(statistics.statistics);
  encode_run(run, options, context);
  guard_run(run, options);
  return {std::move(statistics.origin), std::move(run.plan.encodings)};
}

Outcome apply_to_model(const Options& options, Context& context) {
  validate(options);
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
