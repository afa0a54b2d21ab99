#include "optimize/optimize.h"

#include <chrono>
#include <cstdio>

#include "base/parallel.h"
#include "evaluate/metrics.h"
#include "optimize/equalize.h"
#include "optimize/fit_network.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr std::size_t judged_samples = 8;
constexpr std::size_t equalization_samples = 16;
constexpr std::size_t activation_memory = std::size_t{1400} << 20;

// SQNR of the whole quantized network's first output against FP32 on a few calibration samples.
class Judge {
 public:
  Judge(const Model& fp32, const OptimizeInput& input, const Context& context) : input_(input), context_(context) {
    const std::size_t count = std::min(judged_samples, input.samples);
    const Session session(fp32.proto);
    references_.resize(count);
    parallel_for(context, count, [&](std::size_t i, unsigned) { references_[i] = float_values(session.run(sample(i))[0]); });
  }

  [[nodiscard]] double sqnr_db(const Plan& plan, const RewriteOptions& options = {}) const {
    const Session session(rewrite(plan.model, plan.placement, plan.encodings, options).proto,
                          {.threads = 1, .fuse_quantized = options.weights});
    std::vector<Energy> energies(references_.size());
    parallel_for(context_, references_.size(),
                 [&](std::size_t i, unsigned) { energies[i] = Energy::of(references_[i], float_values(session.run(sample(i))[0])); });
    Energy all;
    for (const auto& energy : energies) all.add(energy);
    return all.sqnr_db();
  }

 private:
  [[nodiscard]] std::vector<Tensor> sample(std::size_t i) const {
    return input_.load(i * input_.samples / std::min(judged_samples, input_.samples));
  }

  const OptimizeInput& input_;
  const Context& context_;
  std::vector<std::vector<float>> references_;
};

FitEffort effort_of(Level level) {
  if (level == Level::o1) return {16, 6000, 4, {0.05}, 1};
  return {100, 24000, 16, {0.01, 0.1}, 2};
}

std::string gained(double before, double after) {
  char text[96];
  std::snprintf(text, sizeof text, "SQNR on calibration samples %.2f -> %.2f dB", before, after);
  return text;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Equalization at several strengths, judged from a few samples; the best is kept, none if none helps. Only the activations' noise is
// judged: the weights are fitted afterwards and absorb their own share.
Step try_equalization(Plan& plan, const OptimizeInput& input, const Judge& judge, Level level, Context& context) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t count = std::min(equalization_samples, input.samples);
  const auto load = [&](std::size_t i) { return input.load(i * input.samples / count); };
  const auto observed = plan.placement.observed();
  Context quiet;
  quiet.threads = context.threads;
  quiet.stop = context.stop;
  const auto encoded = [&](Plan& candidate) {
    const Statistics statistics = calibrate(candidate.model, observed, load, count, quiet);
    candidate.encodings = encode(candidate.model, candidate.placement, statistics, input.scheme, quiet);
    return statistics;
  };
  Plan plain = plan;
  const Statistics statistics = encoded(plain);
  const RewriteOptions judged{.weights = false};
  const double before = judge.sqnr_db(plain, judged);
  double best = before;
  std::string outcome = "no gain; not kept";
  const std::vector<double> strengths = level < Level::o2 ? std::vector<double>{0.8} : std::vector<double>{0.4, 0.6, 0.8, 1.0};
  Model kept = plan.model;
  for (const double strength : strengths) {
    Plan candidate = plan;
    const int channels = equalize(candidate.model, candidate.placement, statistics, strength);
    if (channels == 0) break;
    encoded(candidate);
    const double after = judge.sqnr_db(candidate, judged);
    if (!(after > best)) continue;
    best = after;
    outcome = std::to_string(channels) + " channels, strength " + std::to_string(strength).substr(0, 3) + "; " + gained(before, after);
    kept = std::move(candidate.model);
  }
  plan.model = std::move(kept);
  return {"equalize", outcome, seconds_since(start)};
}

Step try_fitting(Plan& plan, const OptimizeInput& input, const Judge& judge, Level level, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  Plan candidate = plan;
  const NetworkFit fit = fit_network(candidate, input, effort_of(level), activation_memory, context);
  const double before = judge.sqnr_db(plan), after = judge.sqnr_db(candidate);
  const bool kept = after > before;
  if (kept) plan = std::move(candidate);
  const std::string skipped =
      fit.skipped.empty() ? "" : ", " + std::to_string(fit.skipped.size()) + " skipped (first: " + fit.skipped[0] + ")";
  return {"fit-weights",
          std::to_string(fit.fitted) + " layers on " + std::to_string(fit.samples) + " samples" + skipped + "; " + gained(before, after) +
              (kept ? "" : "; not kept"),
          seconds_since(start)};
}

}  // namespace

std::vector<Step> optimize_before_calibration(Plan& plan, const OptimizeInput& input, Level level, Context& context) {
  // With 16 bits the activations' noise is far below the weights': nothing to gain.
  if (level == Level::o0 || input.scheme.activation_bits > 8) return {};
  return {try_equalization(plan, input, Judge(plan.model, input, context), level, context)};
}

std::vector<Step> optimize_after_encoding(Plan& plan, const OptimizeInput& input, Level level, Context& context) {
  if (level == Level::o0) return {};
  return {try_fitting(plan, input, Judge(plan.model, input, context), level, context)};
}

}  // namespace quantize
