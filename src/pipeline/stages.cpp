#include "pipeline/stages.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/memory.h"
#include "encode/assignment_file.h"
#include "encode/convergence.h"
#include "encode/foreign_encodings.h"
#include "encode/pair_overflow.h"
#include "mixed/mixed_precision.h"
#include "model/graph.h"
#include "observe/calibrate.h"
#include "optimize/judge.h"
#include "pipeline/chosen_target.h"
#include "pipeline/first_nonfinite.h"
#include "pipeline/measured_placement.h"
#include "pipeline/memory_plan.h"
#include "pipeline/output_axis.h"
#include "pipeline/pixel_model.h"
#include "prepare/passes.h"
#include "prepare/prepare.h"
#include "rewrite/output_type.h"

namespace quantize {
namespace {

// With a target to reach: how much of calibration decides, how many samples at most, and the opset of all types that may be needed.
constexpr double deciding_share = 0.2;
constexpr std::size_t most_deciding = 16;
constexpr int opset_of_all_types = 21;
constexpr double largest_pair_sum = 32767;  // of products of 8 bits, in 16

// prepare() is the first to run the model, and sees NaN and infinity in its outputs only; the user wants to know where they come from.
Prepared prepare_or_explain(Run& run, const PrepareOptions& prepare_options, const Context& context) {
  refuse_bad_weights(run.plan.model.graph());
  try {
    return prepare(run.plan.model, prepare_options, run.inputs, context);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::model) throw Error(error.kind(), run.original.path.string() + ": " + error.what());
    if (error.kind() != ErrorKind::numeric) throw;
    for (std::size_t i = 0; i < run.inputs.size(); ++i) {
      const auto place = first_nonfinite(run.plan.model, run.inputs[i]);
      const auto& samples = run.samples.calibration;
      const std::string sample = samples.size() > 0 ? ", for the sample '" + samples.file(run.probed[i]).stem + "'" : "";
      if (!place.empty()) throw Error(error.kind(), std::string(error.what()) + "; it begins in " + place + sample);
    }
    throw;
  }
}

void prepare_model(Run& run, const Options& options, Context& context) {
  const std::int64_t needed = options.goals.empty() ? std::max(run.scheme.lowest_opset(), lowest_opset(run.overrides)) : opset_of_all_types;
  const std::int64_t opset = std::max<std::int64_t>(options.opset, needed > 13 ? needed : 0);
  const bool judged = options.level != Level::o0 && run.samples.calibration.size() > 0 && run.overrides.empty();
  const PrepareOptions how{.opset = opset,
                           .strict = options.strict,
                           .keep_outputs = judged,
                           .keep_channels = exchanges_encodings(options),
                           .knows_gelu = find_target(options.target).knows_gelu,
                           .is_kept = excludes(options.exclusions),
                           .one_at_a_time = options.memory_limit > 0};
  const auto prepared = prepare_or_explain(run, how, context);
  for (const auto& outcome : prepared.passes) {
    if (outcome.status == PassOutcome::Status::unchanged) continue;
    if (outcome.status == PassOutcome::Status::undone) context.warn("preparation step " + outcome.name + " was undone: " + outcome.detail);
    run.steps.push_back({outcome.name, outcome.detail, outcome.seconds});
  }
  for (std::size_t i = 0; i < prepared.outputs.size(); ++i) {
    const auto& outputs = prepared.outputs[i];
    if (run.references->has_room_for(value_count(outputs))) run.references->keep(run.probed[i], judged_values(outputs));
  }
}

// The model normalises pixels itself from here on, and everything is judged that way.
void open_pixels(Run& run, const Options& options, Context& context) {
  run.fed_inputs = take_pixels_as_asked(run.original, run.file_inputs, options);
  run.samples = open_samples(options, run.fed_inputs, fed_preprocess(options), context);
  if (run.samples.calibration.size() > 0) check_pixel_model(run.original, run.samples.calibration, run.file_inputs, options);
}

// Pictures of 8 bits need not lose anything where the model reads them. Not where an assignment names the tensor that goes with that.
void round_input(Run& run, const Options& options) {
  if (!wants_pixels(options) || run.scheme.activation_bits != 8 || !run.target.channel_scales) return;
  const Stopwatch watch;
  auto rounded = rounded_to_pixels(run.plan.model, run.inputs, options);
  if (!rounded) return;
  const auto placement = place(*rounded, run.target, options.exclusions);
  if (std::ranges::none_of(placement.groups, [](const TensorGroup& group) { return group.is_pixels; })) return;  // its reader stays float
  std::set<std::string> known;
  for (const auto& group : placement.groups) known.insert(group.members.begin(), group.members.end());
  const auto& exceptions = run.scheme.exceptions.activations;
  if (!std::ranges::all_of(exceptions, [&](const auto& exception) { return known.contains(exception.first); })) return;
  run.plan.model = std::move(*rounded);
  run.steps.push_back({"round-to-pixels", "the input is quantized to the pixels it was made from, channel by channel", watch.seconds()});
}

// Sums of 16 bits on processors without VNNI, see pair_overflow.h.
void keep_pairs_in_range(Run& run, const Options& options, double limit) {
  if (!pairs_matter(options)) return;
  int channels = 0, of = 0;
  const auto narrowed =
      avoid_pair_overflow(run.plan.model, run.plan.placement, run.statistics, run.plan.encodings, pair_rule(run.target, limit));
  if (narrowed.empty()) return;
  for (const auto& weight : narrowed) channels += weight.channels, of += weight.of;
  run.steps.push_back({"avoid-overflow",
                       "7-bit weights in " + std::to_string(channels) + " of " + std::to_string(of) + " output channels of " +
                           std::to_string(narrowed.size()) + " layers, where processors without VNNI would cut sums of 16 bits",
                       0});
}

std::size_t first_output_bytes(const onnx::ModelProto& model, std::span<const Tensor> inputs) {
  std::size_t bytes = sizeof(float);
  for (const std::int64_t dimension : first_output_shape(model, inputs))
    bytes *= static_cast<std::size_t>(std::max<std::int64_t>(dimension, 1));
  return bytes;
}

// With weights that rest in a file until they are needed; where none can be written, in memory.
Model resting_copy(const Model& model) {
  Model copy = model;
  try {
    move_out_large_weights(copy.graph(), {.in_protobuf = 0}, copy.scratch);
  } catch (const Error&) {
    copy = model;
  }
  return copy;
}

// What --reach is decided on is taken from the samples that are calibrated on.
void hold_out_deciding(Run& run, const Options& options) {
  require_images(options);
  auto& samples = run.samples;
  if (samples.calibration.size() < 2)
    throw Error(ErrorKind::data, "--reach is decided on samples held out of those to calibrate on, and " + options.calibration.string() +
                                     " gives only 1; add to them, or raise --samples");
  auto [rest, held_out] = samples.calibration.hold_out(deciding_share);
  samples.calibration = std::move(rest);
  samples.held_out = held_out.evenly(most_deciding);
}

[[noreturn]] void refuse_nothing_to_quantize(const Run& run, const Options& options) {
  const std::string file = options.model.string();
  if (place(run.plan.model, run.target).weighted.empty())
    throw Error(ErrorKind::model, file + " has no Conv, ConvTranspose, Gemm or MatMul with constant float weights to quantize");
  throw Error(ErrorKind::usage, "every node of " + file +
                                    " with weights to quantize is excluded (--exclude, --exclude-op, --exclude-regex, or float in "
                                    "--assignment); let at least one of them be quantized");
}

// By what is observed; where a step that was broken off has left the plan in pieces, by what reaches the outputs.
template <typename Work>
auto naming_sample(const Run& run, const Context& context, const Work& work) {
  const auto& samples = run.samples.calibration;
  return naming_nonfinite_sample(work, [&] {
    const auto stem = first_nonfinite_sample(run.plan.model, run.plan.placement.observed(), samples, context);
    return stem.empty() ? first_nonfinite_sample(run.original, {}, samples, context) : stem;
  });
}

void keep(Run& run, const std::vector<Step>& steps) { run.steps.insert(run.steps.end(), steps.begin(), steps.end()); }

}  // namespace

OptimizeInput optimize_input(const Run& run, const Options& options) {
  const auto& source = run.samples.calibration;
  return {run.scheme,      [&source](std::size_t i) { return source.load(i).inputs; },
          source.size(),   options.seed,
          options.without, run.live_bytes,
          run.references};
}

Run plan_run(const Options& options, Context& context) {
  Run run;
  run.references = std::make_shared<References>();
  run.original = load_model(options.model);
  refuse_to_overwrite(run.original.data_files, options);
  refuse_quantized(run.original);
  run.file_inputs = input_specs(run.original.graph(), options.input_shape);
  run.fed_inputs = run.file_inputs;
  if (!options.import_encodings.empty()) run.overrides = read_overrides(options.import_encodings);
  if (options.input_type == InputType::floats) {
    run.samples = open_samples(options, run.file_inputs, options.preprocess, context);
  } else {
    open_pixels(run, options, context);
  }
  if (!options.goals.empty()) hold_out_deciding(run, options);
  run.probed = samples_to_judge_by(optimize_input(run, options));
  if (run.probed.size() == 1 && run.samples.calibration.size() > 1) run.probed.push_back(0);
  run.inputs = probe_inputs(run.samples.calibration, run.fed_inputs, run.probed);
  run.scheme = scheme_at(options.scheme, options.level);
  if (!options.assignment.empty()) run.scheme.exceptions = read_assignment(options.assignment, options.scheme, run.original);
  run.plan.model = run.original;
  prepare_model(run, options, context);
  run.axis = output_axis(run.original.proto, run.file_inputs[0].shape, options.preprocess.layout, run.inputs[0]);
  refuse_masks_of_255(run.samples.label_values, run.original.proto, run.samples.test, run.axis, options.labels);
  run.target = target_of(options);
  round_input(run, options);
  if (options.placement == PlacementMode::measured) {
    run.placement_trials =
        choose_placement(run.target, {run.plan.model, options.exclusions, optimize_input(run, options), run.inputs[0]}, context);
  }
  run.plan.placement = place(run.plan.model, run.target, options.exclusions, run.scheme.exceptions);
  if (run.plan.placement.weighted.empty()) refuse_nothing_to_quantize(run, options);
  return run;
}

void budget_run(Run& run, const Options& options, Context& context, Purpose purpose) {
  const auto& source = run.samples.calibration;
  if (source.size() == 0) return;
  const auto largest = largest_inputs(run.samples, context);
  run.live_bytes = live_activation_bytes(run.plan.model.proto, largest, context);
  const auto input = optimize_input(run, options);
  MemoryUse use{.level = options.level,
                .evaluated = run.samples.test.size() > 0 && purpose == Purpose::model,
                .reading_bytes = source.loading_bytes(),
                .test_reading_bytes = run.samples.test.loading_bytes()};
  auto& held_out = run.samples.held_out;
  use.sensitivity = held_out || purpose == Purpose::sensitivity;
  if (held_out) use.deciding = held_out->size();
  if (use.sensitivity) use.output_bytes = first_output_bytes(run.plan.model.proto, largest);
  if (options.memory_limit > 0) keep_within(options.memory_limit, run.plan, input, use, context);
  if (held_out) held_out = held_out->evenly(deciding_that_fit(use, context));
  const auto needed = memory_needs(run.plan, input, use, context).peak() + run.samples.shown_bytes();
  const auto peak = std::max(needed, peak_resident_memory());  // preparing has had its own
  const std::string about = "about " + std::to_string(peak >> 20) + " MB";
  context.info("memory: " + about + " at the peak, " + std::to_string(context.samples_at_once()) + " samples at once");
  if (options.memory_limit > 0 && peak > options.memory_limit)
    context.warn("the --memory-limit may not be kept: " + about + " are estimated; give smaller pictures, or raise it");
}

void equalize_run(Run& run, const Options& options, Context& context) {
  if (!run.overrides.empty()) return;  // imported encodings are of the weights and activations as they are
  auto [steps, seen] = naming_sample(
      run, context, [&] { return optimize_before_calibration(run.plan, optimize_input(run, options), options.level, context); });
  keep(run, steps);
  run.seen = std::move(seen);
  move_out_large_weights(run.plan.model.graph(), run.plan.model.limits, run.plan.model.scratch);
}

void observe_run(Run& run, Context& context) {
  const Stopwatch watch;
  const auto& source = run.samples.calibration;
  const auto observed = run.plan.placement.observed();
  const LoadSample load = [&](std::size_t i) { return source.load(i).inputs; };
  auto calibration =
      naming_sample(run, context, [&] { return calibrate_and_compare(run.plan.model, observed, load, source.size(), context, run.seen); });
  const std::string unsettled = warn_unsettled(run.plan.placement, calibration, run.scheme, context);
  run.statistics = std::move(calibration.all);
  const std::string what = counted(observed.size(), "tensor", "tensors") + " over " + counted(source.size(), "sample", "samples");
  run.steps.push_back({"calibrate", unsettled.empty() ? what : what + "; " + unsettled, watch.seconds()});
}

void encode_run(Run& run, const Options& options, Context& context) {
  run.plan.encodings = encode(run.plan.model, run.plan.placement, run.statistics, run.scheme, context);
  if (!run.overrides.empty()) {
    apply_overrides(run.plan.encodings, run.plan.model, run.plan.placement, run.statistics, run.scheme, run.overrides,
                    options.import_encodings.string(), context);
  }
}

void guard_run(Run& run, const Options& options) {
  if (!run.overrides.empty()) return;
  keep_pairs_in_range(run, options, 0.9 * largest_pair_sum);  // with a margin for what fitting changes, so that it makes the best of 7 bits
}

void fit_run(Run& run, const Options& options, Context& context) {
  if (!run.overrides.empty()) return;
  guard_run(run, options);
  if (options.level != Level::o0) run.before_fitting = resting_copy(run.plan.model);
  keep(run, optimize_after_encoding(run.plan, run.statistics, optimize_input(run, options), options.level, context));
  run.references.reset();
  keep_pairs_in_range(run, options, largest_pair_sum);  // what it changed by more
  move_out_large_weights(run.plan.model.graph(), run.plan.model.limits, run.plan.model.scratch);
}

void mix_run(Run& run, const Options& options, Context& context) {
  const auto& held_out = *run.samples.held_out;
  Model prepared = run.plan.model;
  Mixed mixed = mix_precision({.planner = {prepared, run.target, options.exclusions, optimize_input(run, options), options.level,
                                           pairs_matter(options) ? largest_pair_sum : 0},
                               .written_for = target_to_write_for(run.target, options),
                               .goals = options.goals,
                               .held_out = [&](std::size_t i) { return held_out.load(i).inputs; },
                               .held_out_samples = held_out.size(),
                               .axis = run.axis,
                               .fp32_bytes = run.original.bytes},
                              run.statistics, context);
  run.plan = std::move(mixed.plan);
  run.before_fitting = std::move(prepared);
  run.scheme.exceptions = std::move(mixed.assignment);
  run.mixed = std::move(mixed.facts);
  keep(run, mixed.steps);
  run.references.reset();
  move_out_large_weights(run.plan.model.graph(), run.plan.model.limits, run.plan.model.scratch);
}

}  // namespace quantize
