#include "optimize/optimize.h"

#include <chrono>
#include <cstdio>

#include "base/parallel.h"
#include "evaluate/metrics.h"
#include "optimize/fit_network.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr std::size_t judged_samples = 8;
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

  [[nodiscard]] double sqnr_db(const Plan& plan) const {
    const Session session(rewrite(plan.model, plan.placement, plan.encodings).proto);
    std::vector<Energy> energies(references_.size());
    parallel_for(context_, references_.size(), [&](std::size_t i, unsigned) {
      energies[i] = Energy::of(references_[i], float_values(session.run(sample(i))[0]));
    });
    Energy all;
    for (const auto& energy : energies) all.add(energy);
    return all.sqnr_db();
  }

 private:
  [[nodiscard]] std::vector<Tensor> sample(std::size_t i) const { return input_.load(i * input_.samples / std::min(judged_samples, input_.samples)); }

  const OptimizeInput& input_;
  const Context& context_;
  std::vector<std::vector<float>> references_;
};

std::string gained(double before, double after) {
  char text[96];
  std::snprintf(text, sizeof text, "SQNR on calibration samples %.2f -> %.2f dB", before, after);
  return text;
}

}  // namespace

std::vector<Step> optimize_before_calibration(Plan& /*plan*/, const OptimizeInput& /*input*/, Level /*level*/, Context& /*context*/) { return {}; }

std::vector<Step> optimize_after_encoding(Plan& plan, const OptimizeInput& input, Level level, Context& context) {
  if (level < Level::o2) return {};
  const auto start = std::chrono::steady_clock::now();
  const Judge judge(plan.model, input, context);
  const double before = judge.sqnr_db(plan);
  const Plan saved = plan;
  const NetworkFit fit = fit_network(plan, input, activation_memory, context);
  const double after = judge.sqnr_db(plan);
  const bool kept = after > before;
  if (!kept) plan = saved;
  const std::string detail = std::to_string(fit.fitted) + " layers on " + std::to_string(fit.samples) + " samples" +
                             (fit.skipped.empty() ? "" : ", " + std::to_string(fit.skipped.size()) + " skipped (first: " + fit.skipped[0] + ")") + "; " +
                             gained(before, after) + (kept ? "" : "; not kept");
  return {{"fit-weights", detail, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()}};
}

}  // namespace quantize
