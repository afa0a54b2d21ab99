// Calibration and encodings: how many samples, how ranges are chosen, what stays float.
#include "base/error.h"
#include "base/lower_case.h"
#include "options/choice.h"
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {
namespace {

const std::map<std::string, RangeMethod> methods = {{"auto", RangeMethod::automatic},
                                                    {"minmax", RangeMethod::minmax},
                                                    {"percentile", RangeMethod::percentile},
                                                    {"mse", RangeMethod::mse},
                                                    {"entropy", RangeMethod::entropy}};
const std::map<std::string, Granularity> granularities = {{"per-channel", Granularity::per_channel},
                                                          {"per-tensor", Granularity::per_tensor}};
const std::map<std::string, Symmetry> symmetries = {{"asymmetric", Symmetry::asymmetric}, {"symmetric", Symmetry::symmetric}};

const std::map<std::string, PlacementMode> placements = {{"rules", PlacementMode::rules}, {"auto", PlacementMode::measured}};

}  // namespace

void add_quantization_options(CLI::App& app, Input& input) {
  auto& raw = input.raw;
  auto& options = input.arguments.options;
  const std::string group = "Calibration and encodings";
  add_number<std::size_t>(app, "--samples", options.samples, "At most this many samples, evenly spread [100]")
      ->option_text("N")
      ->group(group);
  add_choice(app, "--method", raw.method, methods,
             "How activation ranges are chosen; auto: min-max at -O0, least squares that weighs clipping at -O1, measured tensor by tensor "
             "from -O2 on")
      ->group(group);
  add_number<double>(app, "--percentile", raw.percentile,
                     "Share of values that a range keeps, in percent, at least 99; means --method percentile [99.999]")
      ->option_text("P")
      ->group(group);
  add_choice(app, "--weights", raw.weights, granularities, "Granularity of weight scales")->group(group);
  add_number<int>(app, "--block-size", raw.block_size,
                  "4-bit weights of matrix products and 1x1 convolutions: input channels that share a scale; 0: all [0]")
      ->option_text("N")
      ->check(CLI::Range(0, 65536))
      ->group(group);
  add_choice(app, "--activations", raw.activations, symmetries, "Activation encodings; some targets take only symmetric ones")
      ->each([&raw](const std::string&) { raw.activations_given = true; })
      ->group(group);
  add_choice(
      app, "--placement", options.placement, placements,
      "What runs on integers: as the target's table says, or auto: what this machine runs fastest (results then differ from run to run)")
      ->group(group);
  app.add_flag("--quantize-outputs", options.quantize_outputs,
               "Quantize the graph's outputs too: all integer, but 8-bit logits cost accuracy")
      ->group(group);
  app.add_option("--without", options.without, "Leave this step of the optimizer out, to see what it is worth (repeatable)")
      ->allow_extra_args(false)
      ->option_text("STEP")
      ->group(group);
  add_number<std::uint64_t>(app, "--seed", options.seed, "Seed of everything drawn at random [0]")->option_text("N")->group(group);
  app.add_option("--exclude", options.exclusions.nodes, "Leave the node of this name float (repeatable)")
      ->allow_extra_args(false)
      ->option_text("NAME")
      ->group(group);
  app.add_option("--exclude-op", options.exclusions.op_types, "Leave operators of this type float (repeatable)")
      ->allow_extra_args(false)
      ->option_text("TYPE")
      ->group(group);
  app.add_option("--exclude-regex", options.exclusions.patterns, "Leave nodes whose name matches float (repeatable)")
      ->allow_extra_args(false)
      ->option_text("REGEX")
      ->group(group);
}

void finish_quantization(const Raw& raw, Options& options) {
  options.scheme = Scheme::named(lower_case(raw.scheme));  // people write W8A8
  options.scheme.method = raw.method;
  if (raw.percentile && raw.method != RangeMethod::automatic && raw.method != RangeMethod::percentile)
    throw Error(ErrorKind::usage, "--percentile is for --method percentile");
  if (raw.percentile) {
    options.scheme.method = RangeMethod::percentile;
    options.scheme.percentile = *raw.percentile;
  }
  options.scheme.weights = raw.weights;
  options.scheme.block_size = raw.block_size;
  options.scheme.activations = raw.activations;
  const Scheme adapted = options.scheme.adapted_to(find_target(options.target));
  if (!raw.activations_given) options.scheme = adapted;  // what was asked for stays, and is refused where it does not fit
}

}  // namespace quantize::cli
