#include "optimize/judge.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <set>

#include "base/parallel.h"
#include "optimize/judged_outputs.h"

namespace quantize {
namespace {

constexpr std::size_t judge_every = 8;
constexpr std::size_t most_kept = std::size_t{4} << 20;  // values

OptimizeInput only(const OptimizeInput& input, std::vector<std::size_t> numbers) {
  OptimizeInput result = input;
  result.samples = numbers.size();
  result.numbers.clear();
  for (const std::size_t i : numbers) result.numbers.push_back(input.number(i));
  result.load = [load = input.load, numbers = std::move(numbers)](std::size_t i) { return load(numbers[i]); };
  return result;
}

double per_value(double sum, const Energy& energy) { return sum / static_cast<double>(std::max<std::size_t>(energy.count, 1)); }

// As energies of an output that is not judged: FP32's own is no number, or it has another size than FP32's.
constexpr Energy not_judged{.signal = std::numeric_limits<double>::infinity()};

// How many boxes are found, say, is no matter of error, and an output that one plan can be judged by counts for both or for none.
void leave_out_other_sizes(std::vector<std::vector<std::vector<Energy>>>& energies) {
  std::set<std::size_t> other;
  const auto for_each = [&](const auto& visit) {
    for (auto& samples : energies) {
      for (auto& outputs : samples) {
        for (std::size_t o = 0; o < outputs.size(); ++o) visit(o, outputs[o]);
      }
    }
  };
  for_each([&](std::size_t o, const Energy& energy) {
    if (energy.count == 0) other.insert(o);
  });
  for_each([&](std::size_t o, Energy& energy) {
    if (other.contains(o)) energy = not_judged;
  });
}

// Of one sample's outputs, by `usual`, the signals of usual ones per value: the mean share of error; none where FP32's own outputs are no
// numbers.
std::optional<double> share_of(std::span<const Energy> outputs, std::span<const double> usual) {
  double sum = 0;
  int counted = 0;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (!std::isfinite(outputs[o].signal)) continue;
    const double signal = std::max(per_value(outputs[o].signal, outputs[o]), usual[o]), error = per_value(outputs[o].error, outputs[o]);
    sum += signal > 0 ? error / signal : error;
    ++counted;
  }
  return counted > 0 ? std::optional(sum / counted) : std::nullopt;
}

Verdict verdict_of(std::span<const std::vector<Energy>> samples, std::span<const double> usual) {
  Energy mean;  // of shares
  double worst = 0;
  for (const auto& outputs : samples) {
    const auto share = share_of(outputs, usual);
    if (!share) continue;
    if (!std::isfinite(*share)) return {-999, -999, samples.size()};
    mean.signal += 1;
    mean.error += *share;
    worst = std::max(worst, *share);
  }
  return {mean.sqnr_db(), Energy{.signal = 1, .error = worst}.sqnr_db(), samples.size()};
}

}  // namespace

OutputValues judged_values(std::span<const Tensor> outputs) {
  OutputValues values;
  for (const auto& output : outputs) {
    if (is_float(output.type)) values.push_back(float_values(output));
  }
  if (values.empty()) values.push_back(float_values(outputs[0]));
  return values;
}

std::size_t value_count(std::span<const Tensor> outputs) {
  return std::accumulate(outputs.begin(), outputs.end(), std::size_t{0},
                         [](std::size_t sum, const Tensor& output) { return sum + static_cast<std::size_t>(output.size()); });
}

std::string gain(const Verdict& before, const Verdict& after) {
  char text[128];
  std::snprintf(text, sizeof text, "SQNR %.2f -> %.2f dB", before.sqnr_db, after.sqnr_db);
  if (after.samples < 2) return text;
  const std::string all = text;
  std::snprintf(text, sizeof text, ", worst sample %.2f -> %.2f dB", before.worst_db, after.worst_db);
  return all + text;
}

Step judged_step(const std::string& name, const std::string& what, const Verdict& before, const Verdict& after, bool kept,
                 const Stopwatch& watch) {
  return {name, what + "; " + gain(before, after) + (kept ? "" : "; not kept"), watch.seconds(), before.sqnr_db, after.sqnr_db};
}

OutputValues References::of(std::size_t sample) const {
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find(sample);
  return found != outputs_.end() ? found->second : OutputValues{};
}

bool References::has_room_for(std::size_t values) const {
  const std::lock_guard lock(mutex_);
  return values_ + values <= most_kept;
}

void References::keep(std::size_t sample, const OutputValues& outputs) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& output : outputs) count += output.size();
  if (values_ + count > most_kept) return;
  if (outputs_.emplace(sample, outputs).second) values_ += count;
}

Judge::Judge(const Model& fp32, const OptimizeInput& input, const Context& context, double decisive_db)
    : input_(input),
      context_(context),
      decisive_db_(decisive_db),
      scores_(scores_behind_outputs(fp32.proto)),
      references_(input.samples),
      order_(input.samples) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::vector<std::size_t> lacking;
  for (std::size_t i = 0; i < input.samples; ++i) {
    if (knows_outputs()) references_[i] = input.references->of(input.number(i));
    if (references_[i].empty()) lacking.push_back(i);
  }
  if (!lacking.empty()) compute(fp32, lacking);
  if (references_.empty()) return;
  for (const auto& reference : references_) outputs_ = std::min(outputs_, reference.size());
  const std::size_t outputs = outputs_;
  std::vector<double> loudness(references_.size());
  for (std::size_t o = 0; o < outputs; ++o) {
    std::vector<double> signals;
    for (const auto& reference : references_) {
      const Energy energy = Energy::of(reference[o], reference[o]);
      signals.push_back(std::isfinite(energy.signal) ? per_value(energy.signal, energy) : 0);
    }
    double usual = 0;
    for (const double signal : signals) usual += signal / static_cast<double>(signals.size());
    usual_signals_.push_back(usual);
    for (std::size_t i = 0; i < signals.size() && usual > 0; ++i) loudness[i] += signals[i] / usual;
  }
  std::swap(order_.front(), order_[std::ranges::max_element(loudness) - loudness.begin()]);
}

void Judge::compute(const Model& fp32, std::span<const std::size_t> lacking) {
  const auto judged = with_scores(fp32);
  const Session session(judged ? judged->proto : fp32.proto);
  const auto run = [&](std::size_t sample) {
    auto values = judged_values(session.run(input_.load(sample)));
    values.resize(std::min(values.size(), outputs_));
    references_[sample] = std::move(values);
  };
  run(lacking[0]);
  std::vector<std::size_t> bytes;
  for (const auto& output : references_[lacking[0]]) bytes.push_back(output.size() * sizeof(float));
  outputs_ = outputs_that_fit(bytes, references_.size(), context_);
  references_[lacking[0]].resize(outputs_);
  parallel_for_samples(context_, lacking.size() - 1, [&](std::size_t i, unsigned) { run(lacking[i + 1]); });
  if (!knows_outputs()) return;
  for (const std::size_t sample : lacking) input_.references->keep(input_.number(sample), references_[sample]);  // in this order always
}

std::optional<Model> Judge::with_scores(const Model& model) const {
  return scores_.empty() ? std::nullopt : std::optional(with_outputs_replaced(model, scores_));
}

Verdict Judge::operator()(const Plan& plan, const RewriteOptions& options) const {
  Energies energies(1);
  run(open({&plan}, options), 0, references_.size(), energies);
  return verdict_of(energies[0], usual_signals_);
}

std::pair<Verdict, Verdict> Judge::both(const Plan& before, const Plan& after, const RewriteOptions& options) const {
  const auto sessions = open({&before, &after}, options);
  const auto verdicts = [&](const Energies& energies) {
    return std::pair(verdict_of(energies[0], usual_signals_), verdict_of(energies[1], usual_signals_));
  };
  const std::size_t samples = references_.size(), first = std::isfinite(decisive_db_) ? std::min<std::size_t>(samples, 1) : samples;
  Energies energies(2);
  run(sessions, 0, first, energies);
  const auto [was, is] = verdicts(energies);
  if (std::fabs(is.sqnr_db - was.sqnr_db) < decisive_db_) run(sessions, first, samples, energies);
  return verdicts(energies);
}

std::vector<Session> Judge::open(const std::vector<const Plan*>& plans, const RewriteOptions& options) const {
  std::vector<std::optional<Session>> opened(plans.size());
  parallel_for_samples(context_, plans.size(), [&](std::size_t p, unsigned) {
    const Plan& plan = *plans[p];
    const auto judged = with_scores(plan.model);
    opened[p].emplace(rewrite(judged ? *judged : plan.model, plan.placement, plan.encodings, options).proto,
                      SessionOptions{.threads = 1, .fuse_quantized = false});
  });
  std::vector<Session> sessions;
  for (auto& session : opened) sessions.push_back(std::move(*session));
  return sessions;
}

void Judge::run(const std::vector<Session>& sessions, std::size_t begin, std::size_t end, Energies& energies) const {
  for (auto& known : energies) known.resize(end);
  const std::size_t samples = end - begin;
  parallel_for_samples(context_, sessions.size() * samples, [&](std::size_t i, unsigned) {
    const std::size_t session = i / samples, place = begin + i % samples, sample = order_[place];
    const auto values = judged_values(sessions[session].run(input_.load(sample)));
    for (std::size_t o = 0; o < outputs_; ++o) {
      const auto& reference = references_[sample][o];
      energies[session][place].push_back(values[o].size() == reference.size() ? Energy::of(reference, values[o]) : Energy{});
    }
  });
  leave_out_other_sizes(energies);
}

Statistics encode_trial(Plan& plan, const OptimizeInput& few, const Context& context) {
  Context quiet;
  quiet.threads = context.threads;
  quiet.workers = context.workers;
  quiet.stop = context.stop;
  Statistics statistics = calibrate(plan.model, plan.placement.observed(), few.load, few.samples, quiet);
  plan.encodings = encode(plan.model, plan.placement, statistics, few.scheme, quiet);
  return statistics;
}

SampleSplit split_samples(const OptimizeInput& input, std::size_t judged_at_most) {
  std::vector<std::size_t> learned, judged;
  for (std::size_t i = 0; i < input.samples; ++i) (i % judge_every == judge_every / 2 ? judged : learned).push_back(i);
  if (input.samples < judge_every) return {input, evenly(input, judged_at_most)};
  return {only(input, std::move(learned)), evenly(only(input, std::move(judged)), judged_at_most)};
}

std::vector<std::size_t> samples_to_judge_by(const OptimizeInput& input) {
  const auto judged = split_samples(input, least_judged).judged;
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < judged.samples; ++i) numbers.push_back(judged.number(i));
  return numbers;
}

OptimizeInput evenly(const OptimizeInput& input, std::size_t count) {
  if (count >= input.samples) return input;
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(i * input.samples / count);
  return only(input, std::move(numbers));
}

OptimizeInput joined(const OptimizeInput& first, const OptimizeInput& second) {
  OptimizeInput result = first;
  result.samples = first.samples + second.samples;
  result.numbers.clear();
  for (const auto* part : {&first, &second}) {
    for (std::size_t i = 0; i < part->samples; ++i) result.numbers.push_back(part->number(i));
  }
  result.load = [first, second](std::size_t i) { return i < first.samples ? first.load(i) : second.load(i - first.samples); };
  return result;
}

}  // namespace quantize
