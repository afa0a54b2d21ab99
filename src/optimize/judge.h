// The judge of every step: the whole quantized network's outputs against FP32's, on samples that the steps do not learn from. Quantization
// is simulated in float: what integer kernels of this or that processor cut off must not decide what the model becomes.
#pragma once

#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/stopwatch.h"
#include "evaluate/metrics.h"
#include "optimize/optimize.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize {

// Each sample's error is a share of its own signal, or of the usual one (the mean) where that is more: by their joint energy one loud
// sample would outweigh all others, and in a picture that shows nothing of what the network looks for, any error is large beside its own.
// Of several outputs it is the mean of their shares: no head of a network is given up for another. Only those count that have FP32's size.
struct Verdict {
  double sqnr_db = 0;       // of the mean share; -999 where a value is no number
  double worst_db = 0;      // of the largest share
  std::size_t samples = 0;  // that were judged by

  // What a step must raise. The mean of shares leans on bad samples as it is; the worst one counts once more.
  [[nodiscard]] double score() const { return 0.75 * sqnr_db + 0.25 * worst_db; }
};

// "SQNR 31.20 -> 33.45 dB, worst sample 28.10 -> 29.00 dB", the second half where there is more than one
std::string gain(const Verdict& before, const Verdict& after);

// The report's line on a step that was judged: what it did, and how far it moved the error; "not kept" where the plan stays what it was.
Step judged_step(const std::string& name, const std::string& what, const Verdict& before, const Verdict& after, bool kept,
                 const Stopwatch& watch);

constexpr std::size_t least_judged = 2;  // samples, at the lowest level that judges

// Of a model's outputs, the values of those that are judged: all in floating point; the first where none is, and no scores are found behind
// any (judged_outputs.h).
using OutputValues = std::vector<std::vector<float>>;
OutputValues judged_values(std::span<const Tensor> outputs);
std::size_t value_count(std::span<const Tensor> outputs);

class References {
 public:
  // Empty where it is not known.
  [[nodiscard]] OutputValues of(std::size_t sample) const;
  [[nodiscard]] bool has_room_for(std::size_t values) const;
  // Outputs as large as the picture are not kept beyond what little memory is given to them: they are computed again.
  void keep(std::size_t sample, const OutputValues& outputs);

 private:
  mutable std::mutex mutex_;
  std::map<std::size_t, OutputValues> outputs_;
  std::size_t values_ = 0;
};

class Judge {
 public:
  // `fp32`: the reference, or the same function with other weights, from before a step that changed none of it. Every sample of `input` is
  // judged by. Of input.references, those that are there are taken, and those that lack are added.
  // decisive_db: a difference that is no chance: where two plans are so far apart on the loudest sample, the others need not run.
  Judge(const Model& fp32, const OptimizeInput& input, const Context& context,
        double decisive_db = std::numeric_limits<double>::infinity());

  [[nodiscard]] const OptimizeInput& samples() const { return input_; }
  [[nodiscard]] Verdict operator()(const Plan& plan, const RewriteOptions& options = {}) const;
  // Of a plan as it was and of what a step made of it, at the same time.
  [[nodiscard]] std::pair<Verdict, Verdict> both(const Plan& before, const Plan& after, const RewriteOptions& options = {}) const;

 private:
  // Nobody keeps scores.
  [[nodiscard]] bool knows_outputs() const { return input_.references != nullptr && scores_.empty(); }
  [[nodiscard]] std::optional<Model> with_scores(const Model& model) const;  // none where its outputs are judged
  void compute(const Model& fp32, std::span<const std::size_t> lacking);
  [[nodiscard]] std::vector<Session> open(const std::vector<const Plan*>& plans, const RewriteOptions& options) const;
  // Samples [begin, end) of that order through each of them, added to what is known of it.
  using Energies = std::vector<std::vector<std::vector<Energy>>>;  // by session, sample and output
  void run(const std::vector<Session>& sessions, std::size_t begin, std::size_t end, Energies& energies) const;

  const OptimizeInput input_;
  const Context& context_;
  double decisive_db_;
  std::vector<std::string> scores_;  // judged in place of the outputs; empty: these are
  std::vector<OutputValues> references_;
  std::size_t outputs_ = std::numeric_limits<std::size_t>::max();  // how many of the judged ones, from the first
  std::vector<double> usual_signals_;                              // by output
  std::vector<std::size_t> order_;                                 // in which samples are run: the loudest first
};

// Encodes a plan from the statistics of a few samples, which it returns: for trials, of which nobody hears.
Statistics encode_trial(Plan& plan, const OptimizeInput& few, const Context& context);

// The samples divided: what steps learn from, and what they are judged by. Disjoint where there are at least eight.
struct SampleSplit {
  OptimizeInput learned, judged;
};
SampleSplit split_samples(const OptimizeInput& input, std::size_t judged_at_most);
// Those that every level from -O1 on judges by, whatever else it does: at most two.
std::vector<std::size_t> samples_to_judge_by(const OptimizeInput& input);
// At most `count` of them, evenly spread.
OptimizeInput evenly(const OptimizeInput& input, std::size_t count);
// The samples of both, those of `first` in front.
OptimizeInput joined(const OptimizeInput& first, const OptimizeInput& second);

}  // namespace quantize
