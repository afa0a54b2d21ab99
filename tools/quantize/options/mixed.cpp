// Mixed precision: bits of single weights and activations, searched for or given.
#include "options/groups.h"

namespace quantize::cli {

void add_mixed_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  const std::string group = "Mixed precision";
  app.add_option(
         "--reach", input.raw.reach,
         "Give the most sensitive weights and activations more bits (A8 to A16, W4 to W8, float as a last resort) until these figures "
         "are reached on samples held out of calibration: psnr, worst-psnr, sqnr (dB), agreement, miou (0..1)")
      ->option_text("FIGURE=X,...")
      ->group(group);
  app.add_option("--budget", input.raw.budget, "What --reach may cost, as estimated fractions of FP32: size, latency")
      ->option_text("COST=X,...")
      ->group(group);
  app.add_option("--assignment", options.assignment, "Bits of single weights and activations, as saved by --save-assignment and edited")
      ->option_text("FILE")
      ->group(group);
  app.add_option("--save-assignment", options.save_assignment, "Write the bits of every weight and activation as JSON")
      ->option_text("FILE")
      ->group(group);
}

void finish_mixed(const Raw& raw, Options& options) {
  if (!raw.reach.empty()) options.goals.reach = parse_reach(raw.reach);
  if (!raw.budget.empty()) options.goals.budget = parse_budget(raw.budget);
}

}  // namespace quantize::cli
